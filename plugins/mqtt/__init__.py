"""Readings from instruments that publish to an MQTT broker."""

from hub import DriverKind, hookimpl
from plugins.mqtt.driver import MqttDriver
from plugins.mqtt.settings import MqttSettings


@hookimpl
def register_drivers() -> list[DriverKind[MqttSettings]]:
    return [DriverKind("mqtt", MqttSettings, MqttDriver)]
