"""Instruments and systems that are not there: real frames on ptys and MQTT, and a faster clock."""

from hub.simulate.device import OWN_FAULTS, Device, Sense

__all__ = ["OWN_FAULTS", "Device", "Sense"]
