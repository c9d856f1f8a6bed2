"""Axetris LGD F200P2 and LGD Compact laser gas modules, where they measure methane."""

from hub import LineDriverKind, Model, Probe, hookimpl
from plugins.axetris_lgd.driver import build
from plugins.axetris_lgd.settings import AxetrisSettings

MODELS = (
    Model("Axetris LGD Compact", "gas", "RS-232, 9600 8N1, streams", "as ordered"),
    Model("Axetris LGD F200P2", "gas", "RS-232, 9600 8N1, streams", "as ordered"),
)
PROBES = (
    Probe(
        "nothing",
        (9600, 19200, 115200),
        {"unit": "ppm"},
        unproved=("unit",),
        trying={"ask_serial": False},
    ),
)


@hookimpl
def register_drivers() -> list[LineDriverKind[AxetrisSettings]]:
    return [LineDriverKind("axetris_lgd", AxetrisSettings, build, MODELS, PROBES)]
