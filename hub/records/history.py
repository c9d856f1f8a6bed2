"""What has happened to one job, each thing with the entry that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, Self

from hub.foreman.foreman import PERSONAL_TEXTS
from hub.foreman.retention import kept_until
from hub.jobs import Act, Event, JobState, Missed, Ruled, begun, folded, from_record
from hub.ledger import Entry
from hub.rulepack import Job, RulePack


class Happening(NamedTuple):
    """One event of a job. `body` is the whole entry: certificate, attempt and so on."""

    entry: int
    event: Event
    body: Mapping[str, Any]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        body = entry.record()
        return cls(entry.index, from_record(body["event"]), body)


@dataclass(frozen=True, slots=True)
class History:
    """One job from its order on, as far as the record was read.

    order   the job's entry: facts, sections, tests; no personal data
    state   folded from `happenings`
    """

    number: str
    user_class: str
    parent: str
    subject: str
    pack: RulePack
    entry: int
    order: Mapping[str, Any]
    happenings: Sequence[Happening]
    state: JobState

    @classmethod
    def of(
        cls,
        *,
        number: str,
        user_class: str,
        parent: str,
        subject: str,
        pack: RulePack,
        entry: Entry,
        happenings: Sequence[Happening],
    ) -> Self:
        order = entry.record()
        start = begun(
            pack, order["job"], number, order["facts"], order["sections"], order["opened_us"]
        )
        state = folded(pack, start, [one.event for one in happenings])
        return cls(number, user_class, parent, subject, pack, entry.index, order, happenings, state)

    @property
    def job(self) -> Job:
        return self.pack.job[self.state.kind]

    @property
    def entries(self) -> list[int]:
        """Every entry that this rests on, the verdicts apart."""
        return [self.entry, *(one.entry for one in self.happenings)]

    # -- steps

    def acts(self, step: str) -> list[tuple[Happening, Act]]:
        """Every time that a step was done, oldest first."""
        return [
            (one, one.event)
            for one in self.happenings
            if isinstance(one.event, Act) and one.event.step == step
        ]

    def last(self, step: str) -> Act | None:
        """The last time that a step was done."""
        found = self.acts(step)
        return found[-1][1] if found else None

    def at_us(self, step: str) -> int | None:
        """When a step was done last."""
        act = self.last(step)
        return None if act is None else act.at_us

    def first_us(self, step: str) -> int | None:
        """When a step was done first."""
        found = self.acts(step)
        return found[0][1].at_us if found else None

    def answer(self, step: str, question: str) -> Any:
        """The answer that was given last; None where there is none."""
        act = self.last(step)
        return None if act is None else act.answers.get(question)

    def rulings(self, step: str) -> list[Ruled]:
        """Every verdict of a step that is a test, oldest first."""
        return [
            one.event
            for one in self.happenings
            if isinstance(one.event, Ruled) and one.event.step == step
        ]

    def missed(self) -> list[Missed]:
        """Every deadline that has passed and was noted."""
        return [one.event for one in self.happenings if isinstance(one.event, Missed)]

    def apart(self) -> list[int]:
        """Entries in which answers that are personal stand, such as a meter's number."""
        asked = self.job.step
        return [
            int(answer.removeprefix("@"))
            for one in self.happenings
            if isinstance(one.event, Act)
            for name, answer in one.event.answers.items()
            if asked[one.event.step].ask[name].personal in PERSONAL_TEXTS
        ]

    # -- people

    def staff(self) -> list[str]:
        """Staff ids of whoever did a step, in the order in which they first did."""
        acts = [one.event for one in self.happenings if isinstance(one.event, Act)]
        names = [name for act in acts for name in (act.by, act.second) if name]
        return list(dict.fromkeys(names))

    def certificates(self) -> list[str]:
        """Numbers of the certificates by which it was done, each with its holder."""
        found = [
            f"{one.event.by} {one.body['certificate']}"
            for one in self.happenings
            if isinstance(one.event, Act) and one.body.get("certificate")
        ]
        return list(dict.fromkeys(found))

    def began(self, attempt: str) -> tuple[str, str] | None:
        """Staff id and certificate of whoever began a test of this job."""
        for one in self.happenings:
            if isinstance(one.event, Act) and one.body.get("attempt") == attempt:
                return one.event.by, str(one.body.get("certificate", ""))
        return None

    # -- end

    @property
    def ended_us(self) -> int | None:
        """When the job ended; None while it runs."""
        if not self.state.ended:
            return None
        steps = [name for name, step in self.job.step.items() if step.ends]
        return max(at_us for name in steps if (at_us := self.at_us(name)) is not None)

    def kept_until(self) -> date | None:
        """The last day on which the record must still be kept; None while the job runs."""
        at_us = self.ended_us
        return None if at_us is None else kept_until(self.pack, self.state.kind, at_us)
