"""MIPEX-02 and MIPEX-04 infrared methane sensors, in %vol."""

from hub import LineDriverKind, Model, Probe, hookimpl
from plugins.mipex.driver import build
from plugins.mipex.settings import MipexSettings

MODELS = (
    Model("MIPEX-02", "gas", "UART, 9600 8N1, asked", "to 5 or 100 %vol, one point"),
    Model("MIPEX-04", "gas", "UART, 57600 8N1, asked", "to 5 or 100 %vol, one point"),
)
PROBES = (Probe("plain", (9600, 57600)),)


@hookimpl
def register_drivers() -> list[LineDriverKind[MipexSettings]]:
    return [LineDriverKind("mipex", MipexSettings, build, MODELS, PROBES)]
