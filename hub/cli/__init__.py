"""The command line `gashub`, by who uses it: operating, at the instruments, authors of plugins."""

from hub.cli.main import app

__all__ = ["app"]
