"""What an operator or a console can ask about jobs, staff and files, over the command socket.

Like `hub.commands`: arguments are checked here, the work is done on the judging thread inside a
ledger transaction. What the regulations refuse is an answer (`done` is false, with `refusals`),
and is recorded; what is no sensible request is an error.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hub.clock import Clock
from hub.errors import CommandRefused
from hub.foreman import people, retention, shelf
from hub.foreman.door import Do, Strangers
from hub.foreman.foreman import Foreman
from hub.foreman.shelf import Shelf
from hub.jobs.answering import LONGEST
from hub.ledger import Transaction
from hub.order_file import UnusableInput, strict_json
from hub.somebody import refuse_somebody


class JobCommands:
    """The table of commands, and what they need."""

    def __init__(
        self, foreman: Foreman, state_dir: Path, clock: Clock, do: Do, strangers: Strangers
    ) -> None:
        """*strangers* warns of the names of instruments that nobody here has heard of."""
        self._foreman = foreman
        self._shelf = Shelf(state_dir)
        self._clock = clock
        self._do = do
        self._strangers = strangers

    def table(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Name of the command -> what it does with the request's arguments."""
        return {
            "job.open": self.open,
            "job.do": self.act,
            "job.signal": self.signal,
            "job.waive": self.waive,
            "job.adopt": self.adopt,
            "job.test": self.test,
            "job.show": self.show,
            "retention.hold": self.hold,
            "retention.erase": self.erase,
            "staff.put": self.staff,
            "file.put": self.file,
        }

    def open(self, request: Mapping[str, Any]) -> Any:
        """Take an order for a job: `text` is the order file's content."""
        given, by = _json(_text(request, "text"), "job order"), _text(request, "by", "operator")
        if not people.is_program(by):
            by = _by(request, "operator")
        answer = self._do(lambda tx: self._foreman.open(tx, given, by, self._clock.now_us()))
        if not answer["done"]:
            return answer
        tests = given.get("tests", {}).values()
        names = [one["name"] for test in tests for one in test["instruments"]]
        # A mistyped name among those that are watched would never stop anything.
        return {**answer, "warnings": self._strangers([*names, *given.get("watch", [])])}

    def act(self, request: Mapping[str, Any]) -> Any:
        """Do a step. `answers` is a table; its values are text, but for items and hazards."""
        number, step, by = _text(request, "number"), _text(request, "step"), _by(request)
        answers = request.get("answers", {})
        if not isinstance(answers, Mapping):
            raise CommandRefused(f'"answers" is {answers!r}; expected a table')
        return self._do(
            lambda tx: self._foreman.act(tx, number, step, by, answers, self._clock.now_us())
        )

    def signal(self, request: Mapping[str, Any]) -> Any:
        """Say that something has happened: `signal` is one of the job's."""
        number, word, by = _text(request, "number"), _text(request, "signal"), _by(request)
        detail = _words(request, "detail", "")
        return self._do(
            lambda tx: self._foreman.signal(tx, number, word, by, detail, self._clock.now_us())
        )

    def waive(self, request: Mapping[str, Any]) -> Any:
        """Two persons let a notice be."""
        number, notice = (_text(request, key) for key in ("number", "notice"))
        by, second, reason = _by(request), _by(request, key="second"), _words(request, "reason")
        return self._do(
            lambda tx: self._foreman.waive(
                tx, number, notice, by, second, reason, self._clock.now_us()
            )
        )

    def adopt(self, request: Mapping[str, Any]) -> Any:
        """Let a PASS of another job on the same section serve."""
        number, step, verdict = (_text(request, key) for key in ("number", "step", "verdict"))
        by = _by(request)
        return self._do(
            lambda tx: self._foreman.adopt(tx, number, step, verdict, by, self._clock.now_us())
        )

    def test(self, request: Mapping[str, Any]) -> Any:
        """Order a test that the job has none for: `text` is the judge contract without number."""
        number, step = _text(request, "number"), _text(request, "step")
        given = _json(_text(request, "text"), f"test {step}")
        version = _text(request, "version", "")
        answer = self._do(
            lambda tx: self._foreman.add_test(
                tx, number, step, given, self._clock.now_us(), version
            )
        )
        return {**answer, "warnings": self._strangers(one["name"] for one in given["instruments"])}

    def show(self, request: Mapping[str, Any]) -> Any:
        """A job as `by` finds it now."""
        number, by = _text(request, "number"), _text(request, "by", "")
        return self._do(lambda tx: self._foreman.shown(tx, number, by, self._clock.now_us()))

    def hold(self, request: Mapping[str, Any]) -> Any:
        """Keep a job whatever its age; an empty `reason` lets it go its way again."""
        number, by = _text(request, "number"), _text(request, "by")
        reason = _words(request, "reason", "")
        self._do(lambda tx: retention.hold(tx, number, by, reason, self._clock.now_us()))
        return {"job": number, "held": reason}

    def erase(self, request: Mapping[str, Any]) -> Any:
        """Erase jobs whose time is over: `numbers` (a list), `what`, `approved_by`, `reason`."""
        numbers, what = request.get("numbers"), _text(request, "what")
        by, reason = _text(request, "approved_by"), _words(request, "reason")
        if not isinstance(numbers, list) or not all(isinstance(one, str) for one in numbers):
            raise CommandRefused(f'"numbers" is {numbers!r}; expected a list of jobs')
        kind = retention.WHATS.get(what)
        if kind is None:
            raise CommandRefused(f'"what" is {what!r}; {" or ".join(retention.WHATS)}')
        shelf_ = self._shelf
        return self._do(
            lambda tx: retention.erase(tx, shelf_, numbers, kind, by, reason, self._clock.now_us())
        )

    def staff(self, request: Mapping[str, Any]) -> Any:
        """Put somebody into the register: `text` is their record in JSON."""
        given = _json(_text(request, "text"), "staff")
        if not isinstance(given, Mapping):
            raise CommandRefused(f"staff: {given!r}; expected a table")
        return self._do(lambda tx: people.register(tx, given, self._clock.now_us()))

    def file(self, request: Mapping[str, Any]) -> Any:
        """Take a piece of a file; see `hub.foreman.shelf`. `size` and `offset` are decimal text."""
        digest, piece = _text(request, "sha256"), _text(request, "base64", "")
        size, offset = _count(request, "size"), _count(request, "offset")
        have, media = self._shelf.put(digest, size, offset, piece)
        if media:
            self._do(lambda tx: self._record(tx, digest, have, media))
        return {"sha256": digest, "bytes": have, "media": media, "whole": bool(media)}

    def _record(self, tx: Transaction, digest: str, size: int, media: str) -> None:
        """Nothing else has files gone than the thread that this is done on."""
        if not self._shelf.path(digest).exists():
            raise CommandRefused(f"file {digest}: was erased in this moment; send it again")
        shelf.record(tx, digest, size, media, self._clock.now_us())


def _json(text: str, place: str) -> Any:
    try:
        return strict_json(text, place)
    except UnusableInput as wrong:
        raise CommandRefused(str(wrong)) from wrong


def _text(request: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = request.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise CommandRefused(f'"{key}" is {value!r}; expected text')
    return value


def _by(request: Mapping[str, Any], default: str | None = None, key: str = "by") -> str:
    """Whoever asks, by an id: what is recorded of a stranger, too, names nobody."""
    by = _text(request, key, default)
    if by == "hub":
        raise CommandRefused(f'"{key}" is "hub", who does what happens by itself; say who you are')
    if not people.is_id(by):
        raise CommandRefused(f'"{key}" is no staff id; {people.ID_FORM}, and no name')
    return by


def _words(request: Mapping[str, Any], key: str, default: str | None = None) -> str:
    words = _text(request, key, default)
    if len(words) > LONGEST or not words.isprintable():
        raise CommandRefused(f'"{key}": expected one line of at most {LONGEST} characters')
    refuse_somebody(words, key)
    return words


def _count(request: Mapping[str, Any], key: str) -> int:
    text = _text(request, key, "0")
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise CommandRefused(f'"{key}" is {text!r}; expected a decimal number')
    return int(text)
