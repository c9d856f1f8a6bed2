"""The door to jobs: what the judging thread and the command socket see of them.

The foreman himself, and all that he needs to know of the regulations, comes when there is a job:
a gateway that runs none stays small.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hub.clock import Clock
from hub.desk import Desk
from hub.foreman.watch import Watch
from hub.ledger import LedgerReader, Transaction
from hub.model import Intake
from hub.rulepack import RulePack

if TYPE_CHECKING:
    from hub.foreman.foreman import Foreman

Tell = Callable[[Transaction, Mapping[str, Any], int], object]
"""Have the world outside hear of what entry so-and-so says, in the same transaction."""
Do = Callable[[Callable[[Transaction], Any]], Any]
"""Carry an act out in a transaction and wait for the commit."""
Strangers = Callable[[Iterable[str]], list[str]]
"""A warning for each of the names of instruments that nobody here has heard of."""
COMMANDS: Final = (
    *("job.open", "job.do", "job.signal", "job.waive", "job.adopt", "job.test", "job.show"),
    *("retention.hold", "retention.erase", "staff.put", "file.put"),
)


class JobDoor:
    """*pack* is the rule pack in force for jobs that are opened from now on."""

    def __init__(
        self, desk: Desk, pack: RulePack, state_dir: Path, clock: Clock, tell: Tell
    ) -> None:
        self._desk = desk
        self._pack = pack
        self._state_dir = state_dir
        self._clock = clock
        self._tell = tell
        self._watch = Watch(pack)

    @cached_property
    def foreman(self) -> "Foreman":
        from hub.foreman.foreman import Foreman  # noqa: PLC0415  see above
        from hub.foreman.personal import Pseudonyms  # noqa: PLC0415

        pseudonyms = Pseudonyms(self._state_dir)
        return Foreman(self._desk, self._pack, pseudonyms, self._watch, self._tell)

    def restore(self, reader: LedgerReader) -> None:
        """Take up what is watched, and the next deadline, after a start."""
        self._watch.restore(reader.sql)

    def decided(self, tx: Transaction, body: Mapping[str, Any], now_us: int) -> None:
        """A verdict has been recorded: the job that its order is hears of it while it runs."""
        row = tx.sql.execute(
            "SELECT 1 FROM jobs WHERE number=? AND ended=''", (body["order"],)
        ).fetchone()
        if row is not None:
            self.foreman.decided(tx, body, now_us)

    def look(self, intakes: Iterable[Intake]) -> None:
        """Show readings to the jobs that watch their instruments."""
        self._watch.look(intakes)

    def is_due(self, now_us: int) -> bool:
        """Whether `advance` has something to do."""
        return self._watch.is_due(now_us)

    def advance(self, tx: Transaction, now_us: int) -> None:
        """Record what `look` has seen, and the deadlines that have passed."""
        self.foreman.advance(tx, now_us)

    def table(self, do: Do, strangers: Strangers) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Name of the command -> what it does with the request's arguments."""
        return {name: partial(self._carry_out, do, strangers, name) for name in COMMANDS}

    def _carry_out(
        self, do: Do, strangers: Strangers, name: str, request: Mapping[str, Any]
    ) -> Any:
        from hub.foreman.commands import JobCommands  # noqa: PLC0415  see above

        commands = JobCommands(self.foreman, self._state_dir, self._clock, do, strangers)
        return commands.table()[name](request)
