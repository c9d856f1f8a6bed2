"""Whole jobs: what has been done, what may be done next, and what is refused by which clause.

Pure functions of a job's record and the rule pack: no clock, no input or output. The same code
decides live, after a restart, and for a stranger who has only the evidence.
"""

from hub.jobs.answering import answered, files_in
from hub.jobs.case import (
    Act,
    Around,
    Event,
    JobState,
    Missed,
    Person,
    Refusal,
    Ruled,
    Signalled,
    Standing,
    Swapped,
    Waived,
)
from hub.jobs.deciding import refusals, waiver_refusals
from hub.jobs.folding import begun, folded
from hub.jobs.guiding import Option, options
from hub.jobs.recording import as_record, from_record, ruled_by
from hub.jobs.timing import missed, running
from hub.jobs.wording import said

__all__ = [
    "Act",
    "Around",
    "Event",
    "JobState",
    "Missed",
    "Option",
    "Person",
    "Refusal",
    "Ruled",
    "Signalled",
    "Standing",
    "Swapped",
    "Waived",
    "answered",
    "as_record",
    "begun",
    "files_in",
    "folded",
    "from_record",
    "missed",
    "options",
    "refusals",
    "ruled_by",
    "running",
    "said",
    "waiver_refusals",
]
