"""Fluke pressure gauges and calibrators that answer VAL?, and their relatives."""

from hub import LineDriverKind, Model, Probe, hookimpl
from plugins.fluke_val.driver import build
from plugins.fluke_val.settings import FlukeValSettings

_LINK = "RS-232 or USB, 9600 8N1, asked"
MODELS = (
    Model("Fluke 2700G", "pressure, barometer", _LINK, "per unit, in the unit it shows"),
    Model("Fluke 3130, 719Pro", "pressure, barometer", _LINK, "per unit, in the unit it shows"),
    Model("Beta 301, Omega PCL340", "pressure, barometer", _LINK, "per unit, in the unit it shows"),
)
PROBES = (Probe("plain", (9600,), {"quantity": "pressure"}, ("quantity",)),)


@hookimpl
def register_drivers() -> list[LineDriverKind[FlukeValSettings]]:
    return [LineDriverKind("fluke_val", FlukeValSettings, build, MODELS, PROBES)]
