"""Which profiles `gashub probe` may try: those that need no answer from the operator."""

from hub import ConfigError, Probe
from plugins.modbus.loading import SHIPPED, fields_for, load
from plugins.modbus.profile import LineHint, Profile

ADDRESS = 1
"""As delivered, for every shipped profile that can be tried."""
BY_ITS_MENU = LineHint(baud=9600, parity="N", stop_bits=1)
"""Where no document says how it is delivered."""


def probes() -> tuple[Probe, ...]:
    """A probe for each of them. Registers tell nobody's name, so which it is stays unproved."""
    found = []
    for path in sorted(SHIPPED.glob("*.toml")):
        profile = _unaided(path.stem)
        if profile is None:
            continue
        line = profile.line or BY_ITS_MENU
        found.append(
            Probe(
                "checked",
                (line.baud,),
                {"address": ADDRESS, "profile": path.stem},
                unproved=("profile",),
                parity=line.parity,
                stop_bits=line.stop_bits,
            )
        )
    return tuple(found)


def _unaided(name: str) -> Profile | None:
    try:
        profile = load(name)
        fields_for(profile)
    except (ConfigError, ValueError):
        return None
    return profile
