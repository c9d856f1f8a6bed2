"""ConST and Additel digital pressure gauges, over their ASCII protocol."""

from hub import LineDriverKind, Model, Probe, hookimpl
from plugins.const_additel.driver import build
from plugins.const_additel.settings import ConstAdditelSettings

_LINK = "RS-232, 9600 8N2, asked"
MODELS = (
    Model("Additel ADT681, ADT672", "pressure, barometer", _LINK, "per unit, in the unit it shows"),
    Model("ConST 211, 273, DPS-EX", "pressure, barometer", _LINK, "per unit, in the unit it shows"),
)
PROBES = (Probe("plain", (9600, 4800, 2400), {"quantity": "pressure"}, ("quantity",), stop_bits=2),)


@hookimpl
def register_drivers() -> list[LineDriverKind[ConstAdditelSettings]]:
    return [LineDriverKind("const_additel", ConstAdditelSettings, build, MODELS, PROBES)]
