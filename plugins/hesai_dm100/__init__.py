"""HESAI DM100 laser methane telemeter, path integral in ppm·m; not proved on a device yet."""

from hub import LineDriverKind, Model, Probe, hookimpl
from plugins.hesai_dm100.driver import build
from plugins.hesai_dm100.settings import Dm100Settings

MODELS = (
    Model("HESAI DM100 (unproved)", "gas_path", "UART, 57600 8N1, streams", "to 99999 ppm·m"),
)
PROBES = (Probe("nothing", (57600,), {"unproved": "accept"}, ("unproved",)),)


@hookimpl
def register_drivers() -> list[LineDriverKind[Dm100Settings]]:
    return [LineDriverKind("hesai_dm100", Dm100Settings, build, MODELS, PROBES)]
