"""Every recorded reading, forwarded to the company's data platform over MQTT."""

from hub import FollowerKind, hookimpl
from plugins.telemetry_mqtt.follower import TelemetryFollower
from plugins.telemetry_mqtt.settings import TelemetrySettings


@hookimpl
def register_sinks() -> list[FollowerKind[TelemetrySettings]]:
    return [FollowerKind("telemetry_mqtt", TelemetrySettings, TelemetryFollower)]
