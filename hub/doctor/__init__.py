"""`gashub doctor`: looks at everything a gateway needs, says how it is, and changes nothing."""

from hub.doctor.examining import examine
from hub.doctor.finding import Finding, worst

__all__ = ["Finding", "examine", "worst"]
