"""`gashub demo`: the whole hub at work, with instruments, broker and CRM that are simulated."""

from hub.demo.demo import run_demo

__all__ = ["run_demo"]
