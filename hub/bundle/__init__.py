"""Evidence bundles: one file about one job or order, which proves itself without a hub.

docs/evidence.md describes it for strangers. Nothing here is loaded by a running hub.
"""

from hub.bundle.exporting import Wanted, export
from hub.bundle.finding import NotGood, Report
from hub.bundle.verifying import verify

__all__ = ["NotGood", "Report", "Wanted", "export", "verify"]
