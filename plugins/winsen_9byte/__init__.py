"""Winsen methane sensors with the nine-byte FF protocol, such as the MH-441D."""

from hub import LineDriverKind, Model, Probe, hookimpl
from plugins.winsen_9byte.driver import build
from plugins.winsen_9byte.settings import Winsen9ByteSettings

MODELS = (Model("Winsen MH-441D", "gas", "UART, 9600 8N1, asked", "0-100 %LEL or 0-5 %vol"),)
PROBES = (Probe("checked", (9600,), {"unit": "%LEL", "scale": 0.1}, ("unit", "scale")),)


@hookimpl
def register_drivers() -> list[LineDriverKind[Winsen9ByteSettings]]:
    return [LineDriverKind("winsen_9byte", Winsen9ByteSettings, build, MODELS, PROBES)]
