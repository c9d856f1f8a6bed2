"""The beginning of a plugin: a complete folder that works, with a made-up protocol in it."""

from hub.kit.begin import Begun, begin

__all__ = ["Begun", "begin"]
