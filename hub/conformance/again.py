"""Silver: what is recorded of a message is enough to read it again, years later and elsewhere."""

from collections.abc import Iterable, Mapping
from typing import Any

from hub.again import difference
from hub.conformance.frames import sound_cases
from hub.conformance.subject import NotAsked, Subject, Unmet
from hub.errors import ConfigError, NeedsEarlier
from hub.golden import NAME, replay_golden
from hub.inventory import kept, rebuilt
from hub.model import Intake, Kept, LineDriverKind, ReadsAgain


def golden_read_again(subject: Subject) -> None:
    """Each golden message, alone, by a driver made from the settings that the record keeps, gives
    the same readings again (`read_again`).
    """
    found = [
        read_again(
            subject,
            case.get("settings", {}),
            replay_golden(subject.kind, case),
            f"golden case {case['id']}",
        )
        for case in sound_cases(subject)
        if "readings" in case["expect"]
    ]
    if not any(found):
        raise NotAsked("reading again alone: its messages mean nothing without those before them")


def read_again(
    subject: Subject, given: Mapping[str, Any], intakes: Iterable[Intake], named: str
) -> bool:
    """Whether the messages of *intakes* could be read again alone; they must come out the same.

    raises  Unmet when one does not
    """
    alone = False
    driver = _as_kept(subject, given)
    for intake in intakes:
        if not intake.readings:
            continue
        message = Kept(intake.source, intake.frame, intake.at_us, intake.readings[0].serial)
        try:
            differs = difference(
                driver, message, intake.readings, whole=isinstance(subject.kind, LineDriverKind)
            )
        except NeedsEarlier:
            continue
        except Exception as bug:
            raise Unmet(f"{named}, read again: {type(bug).__name__}: {bug}") from bug
        if differs:
            raise Unmet(f"{named}, read again: {differs}")
        alone = True
    return alone


def _as_kept(subject: Subject, given: Mapping[str, Any]) -> ReadsAgain:
    """A driver from what the record would keep of the settings."""
    before = subject.build(**given)
    if not isinstance(before, ReadsAgain):
        raise Unmet(
            "its messages cannot be read again from the record: give the driver `read_again` and "
            "`by_memory` (hub.model.ReadsAgain; CONTRIBUTING shows them)"
        )
    try:
        settings = kept(before, subject.settings(**given))
        driver: ReadsAgain = rebuilt(subject.kind, NAME, settings)
    except ConfigError as wrong:
        raise Unmet(f"it cannot be built from the settings in the record: {wrong}") from wrong
    return driver
