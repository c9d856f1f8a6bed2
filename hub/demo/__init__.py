"""`gashub demo`: the whole hub at work, with instruments, broker and CRM that are simulated.

With `--instruments` it is one of everything that a built-in driver reads, live in a table; with
`--jobs` it is every kind of job of the regulations, worked from the order to its end.
"""

from hub.demo.demo import run_demo
from hub.demo.instruments import run_instruments
from hub.demo.jobs import run_jobs

__all__ = ["run_demo", "run_instruments", "run_jobs"]
