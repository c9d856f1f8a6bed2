"""Instruments on Modbus RTU, each described by a profile file."""

from hub import LineDriverKind, hookimpl
from plugins.modbus.driver import build
from plugins.modbus.loading import models
from plugins.modbus.probing import probes
from plugins.modbus.settings import ModbusSettings


@hookimpl
def register_drivers() -> list[LineDriverKind[ModbusSettings]]:
    return [LineDriverKind("modbus", ModbusSettings, build, models(), probes())]
