"""Winsen MH-Z9041A laser methane sensor, in %LEL; also sold as DFRobot SEN0654."""

from hub import LineDriverKind, Model, Probe, hookimpl
from plugins.winsen_mhz9041a.driver import build
from plugins.winsen_mhz9041a.settings import MhZ9041aSettings

MODELS = (
    Model("DFRobot SEN0654", "gas", "UART, 115200 8N1, streams", "0-100 %LEL, one point"),
    Model("Winsen MH-Z9041A", "gas", "UART, 9600 8N1, streams", "0-100 %LEL, one point"),
)
PROBES = (Probe("nothing", (115200, 9600)),)


@hookimpl
def register_drivers() -> list[LineDriverKind[MhZ9041aSettings]]:
    return [LineDriverKind("winsen_mhz9041a", MhZ9041aSettings, build, MODELS, PROBES)]
