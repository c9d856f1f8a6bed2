"""Instruments and systems that are not there: real frames on ptys and MQTT, and a faster clock."""
