"""The front door: the only module of the hub that a plugin imports."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.asking import ask
    from hub.clock import Clock, iso
    from hub.confirming import Confirm
    from hub.errors import (
        BadFrame,
        ConfigError,
        Fault,
        InstrumentSilent,
        LinkDown,
        NeedsEarlier,
        NoAnswer,
        PortGone,
        SinkPaused,
        SinkUnavailable,
    )
    from hub.filing.codes import check_digit_fits
    from hub.filing.profile import FolderOf, HttpsOf, Profile, SftpOf, load_profile
    from hub.filing.settings import FilingSinkSettings
    from hub.float32 import float32_text
    from hub.framing import (
        DelimiterFramer,
        FixedFramer,
        LengthFramer,
        LineFramer,
        crc16_modbus,
        xor8,
    )
    from hub.gauge import Gauge, GaugeSettings, Outcome
    from hub.hookspecs import hookimpl
    from hub.measuring import measure
    from hub.model import (
        Delivery,
        DriverKind,
        FarSide,
        FollowerKind,
        Intake,
        Kept,
        LineDriverKind,
        LinkState,
        Model,
        Notice,
        Parcel,
        Probe,
        Reading,
        Recorded,
        Said,
        SinkKind,
        Site,
        entered_by,
    )
    from hub.mqtt.link import MESSAGES_PER_TURN, BrokerLink
    from hub.mqtt.settings import BrokerSettings
    from hub.mqtt.wire import Arrival
    from hub.noise import Noise
    from hub.peaks import Peaks
    from hub.port import Port
    from hub.presence import Presence
    from hub.procedures import Assessment, ProcedureKind, Row, TestOrder, Verdict
    from hub.rulepack import RulePack
    from hub.settings import (
        NAMES_SECRET,
        BatchSinkSettings,
        PolledSettings,
        Settings,
        SinkSettings,
    )
    from hub.web import Answer, Wire

__all__ = [
    "MESSAGES_PER_TURN",
    "NAMES_SECRET",
    "Answer",
    "Arrival",
    "Assessment",
    "BadFrame",
    "BatchSinkSettings",
    "BrokerLink",
    "BrokerSettings",
    "Clock",
    "ConfigError",
    "Confirm",
    "DelimiterFramer",
    "Delivery",
    "DriverKind",
    "FarSide",
    "Fault",
    "FilingSinkSettings",
    "FixedFramer",
    "FolderOf",
    "FollowerKind",
    "Gauge",
    "GaugeSettings",
    "HttpsOf",
    "InstrumentSilent",
    "Intake",
    "Kept",
    "LengthFramer",
    "LineDriverKind",
    "LineFramer",
    "LinkDown",
    "LinkState",
    "Model",
    "NeedsEarlier",
    "NoAnswer",
    "Noise",
    "Notice",
    "Outcome",
    "Parcel",
    "Peaks",
    "PolledSettings",
    "Port",
    "PortGone",
    "Presence",
    "Probe",
    "ProcedureKind",
    "Profile",
    "Reading",
    "Recorded",
    "Row",
    "RulePack",
    "Said",
    "Settings",
    "SftpOf",
    "SinkKind",
    "SinkPaused",
    "SinkSettings",
    "SinkUnavailable",
    "Site",
    "TestOrder",
    "Verdict",
    "Wire",
    "ask",
    "check_digit_fits",
    "crc16_modbus",
    "entered_by",
    "float32_text",
    "hookimpl",
    "iso",
    "load_profile",
    "measure",
    "xor8",
]

_HOME = {
    "FilingSinkSettings": "hub.filing.settings",
    "FolderOf": "hub.filing.profile",
    "HttpsOf": "hub.filing.profile",
    "Profile": "hub.filing.profile",
    "SftpOf": "hub.filing.profile",
    "load_profile": "hub.filing.profile",
    "check_digit_fits": "hub.filing.codes",
    "Said": "hub.model",
    "float32_text": "hub.float32",
    "Gauge": "hub.gauge",
    "GaugeSettings": "hub.gauge",
    "Outcome": "hub.gauge",
    "Noise": "hub.noise",
    "Peaks": "hub.peaks",
    "PolledSettings": "hub.settings",
    "Presence": "hub.presence",
    "Answer": "hub.web",
    "Arrival": "hub.mqtt.wire",
    "BadFrame": "hub.errors",
    "BatchSinkSettings": "hub.settings",
    "BrokerLink": "hub.mqtt.link",
    "MESSAGES_PER_TURN": "hub.mqtt.link",
    "NAMES_SECRET": "hub.settings",
    "BrokerSettings": "hub.mqtt.settings",
    "Clock": "hub.clock",
    "ConfigError": "hub.errors",
    "Confirm": "hub.confirming",
    "DelimiterFramer": "hub.framing",
    "Delivery": "hub.model",
    "DriverKind": "hub.model",
    "FarSide": "hub.model",
    "Fault": "hub.errors",
    "FixedFramer": "hub.framing",
    "FollowerKind": "hub.model",
    "InstrumentSilent": "hub.errors",
    "Intake": "hub.model",
    "Kept": "hub.model",
    "LengthFramer": "hub.framing",
    "LineDriverKind": "hub.model",
    "LineFramer": "hub.framing",
    "LinkDown": "hub.errors",
    "NeedsEarlier": "hub.errors",
    "NoAnswer": "hub.errors",
    "LinkState": "hub.model",
    "Model": "hub.model",
    "Notice": "hub.model",
    "Parcel": "hub.model",
    "Port": "hub.port",
    "PortGone": "hub.errors",
    "Probe": "hub.model",
    "ProcedureKind": "hub.procedures",
    "Reading": "hub.model",
    "Recorded": "hub.model",
    "Settings": "hub.settings",
    "SinkKind": "hub.model",
    "SinkPaused": "hub.errors",
    "SinkSettings": "hub.settings",
    "SinkUnavailable": "hub.errors",
    "Site": "hub.model",
    "Assessment": "hub.procedures",
    "Row": "hub.procedures",
    "RulePack": "hub.rulepack",
    "TestOrder": "hub.procedures",
    "Verdict": "hub.procedures",
    "Wire": "hub.web",
    "ask": "hub.asking",
    "crc16_modbus": "hub.framing",
    "entered_by": "hub.model",
    "hookimpl": "hub.hookspecs",
    "iso": "hub.clock",
    "measure": "hub.measuring",
    "xor8": "hub.framing",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'hub' has no attribute {name!r}")
