"""Crystal XP2i digital test gauges, over their serial interface."""

from hub import LineDriverKind, Model, Probe, hookimpl
from plugins.crystal_xp2i.driver import build
from plugins.crystal_xp2i.settings import CrystalXp2iSettings

MODELS = (
    Model(
        "Crystal XP2i, XP2i-DP, XP2",
        "pressure, barometer",
        "RS-232, 9600 8N1, asked",
        "per unit, in the unit it shows",
    ),
)
PROBES = (Probe("plain", (9600,), {"quantity": "pressure"}, ("quantity",)),)


@hookimpl
def register_drivers() -> list[LineDriverKind[CrystalXp2iSettings]]:
    return [LineDriverKind("crystal_xp2i", CrystalXp2iSettings, build, MODELS, PROBES)]
