"""`gashub demo`: the whole hub at work, with instruments, broker and CRM that are simulated.

With `--instruments` it is one of everything that a built-in driver reads, live in a table.
"""

from hub.demo.demo import run_demo
from hub.demo.instruments import run_instruments

__all__ = ["run_demo", "run_instruments"]
