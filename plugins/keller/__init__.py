"""Keller pressure transmitters on their own bus protocol."""

from hub import LineDriverKind, Model, Probe, hookimpl
from plugins.keller.driver import build
from plugins.keller.settings import KellerSettings

MODELS = (
    Model(
        "Keller 33X, 35X, 36X, 39X, 41X, 46X",
        "pressure, barometer",
        "RS-485, 9600 8N1, asked",
        "per unit, sent in bar",
    ),
)
PROBES = (
    Probe("checked", (9600, 115200), {"quantity": "pressure", "address": 250}, ("quantity",)),
)


@hookimpl
def register_drivers() -> list[LineDriverKind[KellerSettings]]:
    return [LineDriverKind("keller", KellerSettings, build, MODELS, PROBES)]
