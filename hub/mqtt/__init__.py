"""The link to an MQTT broker: its settings, its connection, and how that stands."""
