"""The door to filings over the command socket.

A draft is made by whoever asks, from the record (`hub.records.filing`), and handed in as a file in
pieces; here its form is checked, its members are claimed, and from then on it is the hub's.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from hub.clock import Clock, iso, local_day
from hub.errors import CommandRefused, ConfigError
from hub.events import Event, ledger_of
from hub.filing import book
from hub.filing.handed import draft_of
from hub.filing.life import ordered
from hub.filing.period import span
from hub.filing.settings import FilingSinkSettings
from hub.ledger import LedgerReader, Transaction
from hub.ledger.canonical import canonical
from hub.model import Said
from hub.outbox import Consignee
from hub.outbox.parcels import Tell

if TYPE_CHECKING:
    from hub.filing.profile import Profile

Do = Callable[[Callable[[Transaction], Any]], Any]
Address = Callable[[Transaction, Event, str], str]
"""Hand an event to the outbox for one sink: `Outbox.address_to`."""
FILING_COMMANDS: Final = (
    "filing.put", "filing.draft", "filing.approve", "filing.submit", "filing.discard",
    "filing.answer",
)  # fmt: skip
TYPE: Final = "gashub.filing_document.v1"
_FOLDER: Final = "drafts"
_LEAST_DIGEST: Final = 8


def authorities(consignees: Iterable[Consignee]) -> dict[str, Path]:
    """The sinks that carry filings, with their profiles. A test channel carries none: records are
    real.
    """
    return {
        one.name: one.settings.profile
        for one in consignees
        if isinstance(one.settings, FilingSinkSettings) and not one.settings.trial
    }


class FilingDoor:
    """The commands of filings, for the control socket.

    authorities  the sinks that carry filings, with their profiles
    tell         has outsiders hear of a filing that has come into another state
    """

    def __init__(
        self,
        authorities: Mapping[str, Path],
        address: Address,
        state_dir: Path,
        gateway: str,
        clock: Clock,
        do: Do,
        tell: Tell,
    ) -> None:
        self._authorities = authorities
        self._address = address
        self._state_dir = state_dir
        self._gateway = gateway
        self._clock = clock
        self._do = do
        self._tell = tell

    def table(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Name of the command -> what it does with the request's arguments."""
        return {
            "filing.put": self.put,
            "filing.draft": self.draft,
            "filing.approve": self.approve,
            "filing.submit": self.submit,
            "filing.discard": self.discard,
            "filing.answer": self.answer,
        }

    def put(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take a piece of a draft; the arguments are those of `file.put`."""
        from hub.foreman.shelf import Shelf  # noqa: PLC0415  only who files

        digest, size, offset = (_text(request, key) for key in ("sha256", "size", "offset"))
        if not (size.isdecimal() and offset.isdecimal()):
            raise CommandRefused(f'"size" and "offset" are {size!r}, {offset!r}; expected numbers')
        shelf = Shelf(self._state_dir / _FOLDER)
        have, media = shelf.put(digest, int(size), int(offset), _text(request, "base64"))
        return {"sha256": digest, "bytes": have, "whole": bool(media)}

    def draft(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Record a draft that was handed in by `filing.put`, under its digest."""
        from hub.foreman.shelf import Shelf  # noqa: PLC0415  only who files

        handed, by = _text(request, "sha256"), _text(request, "by")
        path = Shelf(self._state_dir / _FOLDER).path(handed)
        try:
            content = path.read_bytes()
        except OSError:
            raise CommandRefused(f"draft {handed[:12]}: is not here; hand it in anew") from None
        told = draft_of(content)
        profile = self._profile(told["authority"])
        two_persons, now_us = profile.approval.two_persons, self._clock.now_us()
        asked, today = span(profile.schedule.every, told["period"]), local_day(now_us)
        if today <= asked.last:  # whoever drafted has a clock of its own
            raise CommandRefused(
                f"period {asked.name} runs until {asked.last}, and by the hub's clock it is "
                f"{today}: draft it when it is over, or look at both clocks",
                "conflict",
            )
        # Written out here: the judging thread has readings to record meanwhile.
        try:
            digest, kept = sha256(canonical(told["document"])).hexdigest(), canonical(told)
        except (ValueError, TypeError, RecursionError) as wrong:
            raise CommandRefused(f"the draft is none: {type(wrong).__name__}") from None

        def do(tx: Transaction) -> int:
            found = tx.sql.execute(
                "SELECT step, digest FROM filings WHERE id=?", (told["filing"],)
            ).fetchone()
            if found is not None and found[1] != digest:
                raise CommandRefused(
                    f"filing {told['filing']} is there with another document; draft anew",
                    "conflict",
                )
            if found is not None:  # the same request again, as its answer was lost
                return int(found[0])
            if two_persons:  # nobody could tell a stranger from whoever approves
                _registered(tx, by)
            tx.then(lambda: path.unlink(missing_ok=True))
            return book.begin(tx, told, kept, digest, by, now_us, self._tell)

        entry = self._do(do)
        return {
            "filing": told["filing"],
            "digest": digest,
            "entry": entry,
            "faults": sum(one["level"] == "fault" for one in told["findings"]),
            "rows": len(told["members"]),
        }

    def approve(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """A supervisor of the register approves what has this digest, and nothing else."""
        from hub.foreman.people import same  # noqa: PLC0415  only who files

        filing, by, digest = (_text(request, key) for key in ("filing", "by", "digest"))
        with LedgerReader(self._state_dir) as reader:
            begun = book.kept(reader.sql, filing)
            drafter = book.drafter(reader, begun)
        if same(drafter, by) and self._profile(begun.authority).approval.two_persons:
            raise CommandRefused(
                f"filing {filing} was drafted by {drafter} and would be approved by {by}: "
                f"{begun.authority} asks for two persons. Have another supervisor approve it, or "
                "discard it and have somebody else draft it",
                "conflict",
            )

        def do(tx: Transaction) -> book.Kept:
            _supervisor(tx, by, local_day(self._clock.now_us()))
            found = book.kept(tx.sql, filing)
            if len(digest) < _LEAST_DIGEST or not found.digest.startswith(digest):
                raise CommandRefused(
                    f"filing {filing} has another digest than {digest[:64]!r}; look at it "
                    f"(`gashub filing show {filing}`) and give at least {_LEAST_DIGEST} digits"
                )
            if found.faults:
                raise CommandRefused(
                    f"filing {filing} has {found.faults} fault(s); see `gashub filing show "
                    f"{filing}`, put them right, discard it and draft anew"
                )
            now_us = self._clock.now_us()
            return book.order(tx, filing, "approved", by, now_us, self._tell, digest=found.digest)

        return _told(self._do(do))

    def submit(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Hand an approved filing to the outbox. What is approved is what is sent."""
        filing, by = _text(request, "filing"), _text(request, "by")
        with LedgerReader(self._state_dir) as reader:
            content = reader.read(book.kept(reader.sql, filing).content)
        if content.body is None:
            raise CommandRefused(f"filing {filing}: its content was erased; draft anew")
        told = content.record()
        document = canonical(told["document"])  # here, as for a draft

        def do(tx: Transaction) -> book.Kept:
            now_us = self._clock.now_us()
            found = book.order(tx, filing, "queued", by, now_us, self._tell)
            event = self._event(told, document, found, tx, now_us)
            self._address(tx, event, found.authority)
            return found

        return _told(self._do(do))

    def discard(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give a filing up; its records are due again."""
        filing, by, reason = (_text(request, key) for key in ("filing", "by", "reason"))
        return _told(
            self._do(
                lambda tx: book.order(
                    tx, filing, "discarded", by, self._clock.now_us(), self._tell, reason=reason
                )
            )
        )

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Type in what an authority answered by letter, telephone or on its own screen."""
        filing, by, step = (_text(request, key) for key in ("filing", "by", "step"))
        receipt, reason, of = (_text(request, key, "") for key in ("receipt", "reason", "of"))
        needs = {"accepted": receipt, "rejected": reason, "duplicate": of}
        if not needs.get(step):
            raise CommandRefused(
                f'"step" is {step!r}; expected accepted with its receipt, rejected with its '
                "reason, or duplicate with the filing that it is one of"
            )
        known: Said = Said("accepted", receipt, proof=f"typed in by {by}")
        if step == "rejected":
            known = known._replace(step="rejected", reasons=(reason,))
        elif step == "duplicate":
            known = known._replace(step="duplicate", of=of)

        def do(tx: Transaction) -> book.Kept:
            _registered(tx, by)
            found = book.kept(tx.sql, filing)
            if known.step == "rejected" and found.state == "queued":
                raise CommandRefused(
                    f"filing {filing} is queued: by the record the authority has not had it, and "
                    "it goes out as soon as the line is back. Wait until it is submitted, then "
                    "type in what the authority answers",
                    "conflict",
                )
            ordered(filing, found.state, known.step)
            state = book.learn(tx, filing, found.state, known, by, self._clock.now_us(), self._tell)
            return found._replace(state=state)

        return _told(self._do(do))

    def _profile(self, authority: str) -> "Profile":
        """The profile as it is now. raises CommandRefused"""
        from hub.filing.profile import load_profile  # noqa: PLC0415  only who files

        path = self._authorities.get(authority)
        if path is None:
            known = ", ".join(sorted(self._authorities)) or "none"
            raise CommandRefused(f"no sink {authority!r} carries filings; known: {known}")
        try:
            return load_profile(path)
        except ConfigError as wrong:
            raise CommandRefused(str(wrong)) from wrong

    def _event(
        self,
        told: Mapping[str, Any],
        document: bytes,
        found: book.Kept,
        tx: Transaction,
        now_us: int,
    ) -> Event:
        """The filing's parcel: the document as it was approved, and the head that covers it."""
        data = {
            "filing": found.id,
            "title": told["title"],
            "period": found.period,
            "digest": found.digest,
            "counts": told["counts"],
            "recipient": told["disclosed"]["recipient"],
            "document": orjson.Fragment(document),
            "ledger": ledger_of(tx.checkpoint(), found.content),
        }
        body = {
            "specversion": "1.0",
            "type": TYPE,
            "id": found.id,
            "source": f"/gashub/{self._gateway}",
            "time": iso(now_us),
            "datacontenttype": "application/json",
            "data": data,
        }
        return Event(
            found.id, "filing_document", "", orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        )


def _told(found: book.Kept) -> dict[str, Any]:
    return {"filing": found.id, "state": found.state, "authority": found.authority}


def _supervisor(tx: Transaction, by: str, day: date) -> None:
    """Raises CommandRefused for who is none on that *day*. The register has the rank, and where a
    company certifies it, a certificate `supervisor` with its last day.
    """
    from hub.foreman.people import person_of  # noqa: PLC0415  only who files

    person = person_of(orjson.loads(_registered(tx, by)))
    if not person.supervisor:
        raise CommandRefused(f"{by} is no supervisor in the register; a supervisor approves")
    number, until = person.certificates.get("supervisor", ("", day))
    if until < day:
        raise CommandRefused(
            f"{by} is a supervisor by certificate {number}, which ended on {until}; today is "
            f"{day}. Put the new one into the register (`gashub staff put`), or have another "
            "supervisor approve it"
        )


def _registered(tx: Transaction, by: str) -> str:
    row = tx.sql.execute("SELECT record FROM staff WHERE id=?", (by,)).fetchone()
    if row is None:
        raise CommandRefused(
            f"{by!r} is not in the register of staff; see `gashub staff list`, `gashub staff put`"
        )
    return str(row[0])


def _text(request: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = request.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise CommandRefused(f'"{key}" is {value!r}; expected text')
    return value
