"""Readings by eye: what a person reads off a U-gauge and types in."""

from hub import DriverKind, hookimpl
from plugins.manual.driver import ManualDriver
from plugins.manual.settings import ManualSettings


@hookimpl
def register_drivers() -> list[DriverKind[ManualSettings]]:
    return [DriverKind("manual", ManualSettings, ManualDriver)]
