"""Boreal GasFinder open-path lasers, methane in ppm·m."""

from hub import LineDriverKind, hookimpl
from plugins.boreal.driver import build
from plugins.boreal.settings import BorealSettings


@hookimpl
def register_drivers() -> list[LineDriverKind[BorealSettings]]:
    return [LineDriverKind("boreal", BorealSettings, build)]
