"""A job without a hub: events by short words, and what stands because of them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from hub.jobs import (
    Act,
    Around,
    Event,
    Missed,
    Person,
    Refusal,
    Ruled,
    Signalled,
    Waived,
    answered,
    begun,
    folded,
    missed,
    refusals,
    waiver_refusals,
)
from hub.jobs.timing import ZONE
from hub.rulepack import RulePack, load_pack

PACK: Final = load_pack("example_city")
PHOTO: Final = "5e" * 32
ALL: Final = ("purge", "inspection", "repair")
NOON_US: Final = int(datetime(2026, 11, 24, 12, tzinfo=ZONE).timestamp()) * 1_000_000
PEOPLE: Final = {
    "T-1": Person("T-1", False, dict.fromkeys(ALL, ("C-1", date(2027, 6, 30)))),
    "T-2": Person("T-2", False, dict.fromkeys(ALL, ("C-2", date(2026, 11, 23)))),
    "T-3": Person("T-3", False, {}),
    "S-1": Person("S-1", True, {}),
    "S-2": Person("S-2", True, dict.fromkeys(ALL, ("C-9", date(2027, 6, 30)))),
}
"""A technician; one whose certificate ended the day before NOON; one without; two supervisors."""


class Run:
    """One job as it goes, at a time that is moved by hand."""

    def __init__(
        self,
        kind: str,
        facts: Mapping[str, str] | None = None,
        pack: RulePack = PACK,
        at_us: int = NOON_US,
    ) -> None:
        self.pack = pack
        self.job = pack.job[kind]
        self.now_us = at_us
        self.by = "T-1"
        self.around = Around(PEOPLE)
        sections = {name: f"A-7-2 {name}" for name in self.job.sections}
        self.state = begun(pack, kind, "J-1", facts or {}, sections, at_us)
        self.events: list[Event] = []

    def wait(self, *, s: float = 0, h: float = 0, d: float = 0) -> None:
        self.now_us += round((s + h * 3600 + d * 86400) * 1_000_000)

    def at(self, hour: int, minute: int = 0, days: int = 0) -> None:
        """Go to that time of the day, so many days after today's."""
        today = datetime.fromtimestamp(self.now_us // 1_000_000, ZONE)
        wanted = today.replace(hour=hour, minute=minute, second=0)
        self.now_us = int(wanted.timestamp() + days * 86400) * 1_000_000

    def act(self, step: str, by: str = "", **answers: Any) -> tuple[Act, list[Refusal]]:
        """The act, and every reason why it may not be."""
        given = {name: value for name, value in answers.items() if value is not None}
        found = answered(
            self.pack, self.job.step[step].ask, given, self.job.step[step].clause, PEOPLE,
            self.now_us,
        )  # fmt: skip
        act = Act(step, self.now_us, by or self.by, answers=found.answers)
        return act, [*refusals(self.pack, self.state, act, self.around), *found.refusals]

    def do(self, step: str, by: str = "", **answers: Any) -> None:
        """Do it; it must be allowed."""
        self._late()
        act, told = self.act(step, by, **answers)
        assert told == [], (step, told)
        self.take(act)

    def refused(self, step: str, by: str = "", **answers: Any) -> list[tuple[str, str]]:
        """Try it; it must be refused. The keys, each with its clause."""
        self._late()
        before = self.state
        _, told = self.act(step, by, **answers)
        assert told, f"{step} is allowed"
        assert self.state is before
        return [(one.key, one.clause) for one in told]

    def test(self, step: str, verdict: str = "PASS", lasts_s: float = 900, **more: Any) -> None:
        """Do the step that is a test, and have it decided."""
        self.do(step)
        self.wait(s=lasts_s)
        given = {
            "section": self.state.sections.get(self.job.step[step].section, ""),
            "serials": {"pm-1": "S-100"},
            **more,
        }
        self.take(Ruled(step, self.now_us, f"attempt of {step}", verdict, **given))

    def signal(self, word: str, by: str = "hub") -> None:
        self.take(Signalled(word, self.now_us, by))

    def waive(self, notice: str, by: str, second: str, reason: str = "gas leaks") -> list[str]:
        """Let a notice be, if it may be; the keys of the refusals otherwise."""
        waived = Waived(notice, self.now_us, by, second, reason)
        told = waiver_refusals(self.pack, self.state, waived, self.around)
        if not told:
            self.take(waived)
        return [one.key for one in told]

    def take(self, event: Event) -> None:
        self.events.append(event)
        self.state = folded(self.pack, self.state, [event])

    def _late(self) -> None:
        while late := missed(self.pack, self.job, self.state, self.now_us):
            self.take(late)

    def tick(self) -> Sequence[str]:
        """The deadlines that have passed by now, noted."""
        before = len(self.events)
        self._late()
        return [one.deadline for one in self.events[before:] if isinstance(one, Missed)]


def items(checklist: str, pack: RulePack = PACK, **other: Any) -> dict[str, Any]:
    """All items of a checklist in order, but for *other*."""
    return {name: other.get(name, "ok") for name in pack.checklist[checklist].item}
