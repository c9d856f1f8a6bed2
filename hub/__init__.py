"""The front door: the only module of the hub that a plugin imports."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.clock import Clock, iso
    from hub.errors import (
        BadFrame,
        ConfigError,
        Fault,
        InstrumentSilent,
        LinkDown,
        PortGone,
        SinkPaused,
        SinkUnavailable,
    )
    from hub.framing import (
        DelimiterFramer,
        FixedFramer,
        LengthFramer,
        LineFramer,
        crc16_modbus,
        xor8,
    )
    from hub.hookspecs import hookimpl
    from hub.measuring import measure
    from hub.model import (
        Delivery,
        DriverKind,
        FollowerKind,
        Intake,
        LineDriverKind,
        LinkState,
        Notice,
        Parcel,
        Reading,
        Recorded,
        SinkKind,
        Site,
    )
    from hub.mqttlink import MESSAGES_PER_TURN, BrokerLink
    from hub.mqttsettings import BrokerSettings
    from hub.mqttwire import Arrival
    from hub.port import Port
    from hub.procedures import ProcedureKind
    from hub.settings import NAMES_SECRET, BatchSinkSettings, Settings, SinkSettings

__all__ = [
    "MESSAGES_PER_TURN",
    "NAMES_SECRET",
    "Arrival",
    "BadFrame",
    "BatchSinkSettings",
    "BrokerLink",
    "BrokerSettings",
    "Clock",
    "ConfigError",
    "DelimiterFramer",
    "Delivery",
    "DriverKind",
    "Fault",
    "FixedFramer",
    "FollowerKind",
    "InstrumentSilent",
    "Intake",
    "LengthFramer",
    "LineDriverKind",
    "LineFramer",
    "LinkDown",
    "LinkState",
    "Notice",
    "Parcel",
    "Port",
    "PortGone",
    "ProcedureKind",
    "Reading",
    "Recorded",
    "Settings",
    "SinkKind",
    "SinkPaused",
    "SinkSettings",
    "SinkUnavailable",
    "Site",
    "crc16_modbus",
    "hookimpl",
    "iso",
    "measure",
    "xor8",
]

_HOME = {
    "Arrival": "hub.mqttwire",
    "BadFrame": "hub.errors",
    "BatchSinkSettings": "hub.settings",
    "BrokerLink": "hub.mqttlink",
    "MESSAGES_PER_TURN": "hub.mqttlink",
    "NAMES_SECRET": "hub.settings",
    "BrokerSettings": "hub.mqttsettings",
    "Clock": "hub.clock",
    "ConfigError": "hub.errors",
    "DelimiterFramer": "hub.framing",
    "Delivery": "hub.model",
    "DriverKind": "hub.model",
    "Fault": "hub.errors",
    "FixedFramer": "hub.framing",
    "FollowerKind": "hub.model",
    "InstrumentSilent": "hub.errors",
    "Intake": "hub.model",
    "LengthFramer": "hub.framing",
    "LineDriverKind": "hub.model",
    "LineFramer": "hub.framing",
    "LinkDown": "hub.errors",
    "LinkState": "hub.model",
    "Notice": "hub.model",
    "Parcel": "hub.model",
    "Port": "hub.port",
    "PortGone": "hub.errors",
    "ProcedureKind": "hub.procedures",
    "Reading": "hub.model",
    "Recorded": "hub.model",
    "Settings": "hub.settings",
    "SinkKind": "hub.model",
    "SinkPaused": "hub.errors",
    "SinkSettings": "hub.settings",
    "SinkUnavailable": "hub.errors",
    "Site": "hub.model",
    "crc16_modbus": "hub.framing",
    "hookimpl": "hub.hookspecs",
    "iso": "hub.clock",
    "measure": "hub.measuring",
    "xor8": "hub.framing",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'hub' has no attribute {name!r}")
