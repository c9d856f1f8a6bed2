"""Boreal GasFinder open-path lasers, methane in ppm·m."""

from hub import LineDriverKind, Model, Probe, hookimpl
from plugins.boreal.driver import build
from plugins.boreal.settings import BorealSettings

_LINK = "RS-232, 300-230400 8N1, streams"
MODELS = tuple(
    Model(f"Boreal {name}", "gas_path", _LINK, "per unit, 1-9999 m")
    for name in ("GasFinder2", "GasFinder3", "GasFinderFC", "GasFinderMC")
)
PROBES = (Probe("nothing", (9600, 19200, 57600, 115200, 38400, 4800)),)


@hookimpl
def register_drivers() -> list[LineDriverKind[BorealSettings]]:
    return [LineDriverKind("boreal", BorealSettings, build, MODELS, PROBES)]
