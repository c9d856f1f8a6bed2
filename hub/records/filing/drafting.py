"""The draft of a filing from the record, and the form in which the hub is handed it."""

from typing import Any

from ulid import ULID

from hub.errors import CommandRefused
from hub.filing.deadlines import period_now
from hub.filing.drafting import Draft, Head, counts, drafted
from hub.filing.period import Span
from hub.filing.profile import Profile
from hub.filing.settings import FilingSinkSettings
from hub.foreman.shelf import Shelf
from hub.records.filing.due import due
from hub.records.record import Record
from hub.records.table import root_of


def draft(
    record: Record,
    profile: Profile,
    who: FilingSinkSettings,
    authority: str,
    span: Span,
    now_us: int,
    corrects: str = "",
) -> Draft:
    """Everything that is due, as the document that would be filed.

    corrects  a filing whose records are filed again
    raises    CommandRefused for a filing that is not there or is another authority's
    """
    if corrects:
        _known(record, authority, corrects)
    shelf = Shelf(record.where)
    standing = period_now(record.reader.sql, authority, profile.schedule, span).filing
    head = record.head()
    return drafted(
        profile,
        who,
        due(record, profile, authority, span, corrects),
        filing=str(ULID.from_timestamp(now_us / 1e6)),
        span=span,
        now_us=now_us,
        gateway=record.gateway,
        head=Head(record.origin, head.size, root_of(head)),
        on_shelf=lambda digest: shelf.changed(digest) == "",
        corrects=corrects,
        filed=standing is not None,
    )


def handed_in(
    draft: Draft, profile: Profile, authority: str, span: Span, corrects: str = ""
) -> dict[str, Any]:
    """The draft in JSON's types, as `filing.draft` takes it."""
    return {
        "filing": draft.filing,
        "authority": authority,
        "period": span.name,
        "corrects": corrects,
        "profile": {"id": profile.id, "version": profile.version, "sha256": profile.sha256},
        "disclosed": {
            "recipient": profile.authority.name,
            "legal_basis": profile.authority.legal_basis,
            "purpose": profile.authority.purpose,
            "personal": profile.personal(),
        },
        "title": profile.title,
        "counts": counts(draft.document),
        "document": draft.document,
        "members": draft.members,
        "findings": [one._asdict() for one in draft.findings],
    }


def _known(record: Record, authority: str, filing: str) -> None:
    row = record.reader.rows("SELECT authority FROM filings WHERE id=?", (filing,))
    if not row or row[0][0] != authority:
        raise CommandRefused(f"no filing {filing!r} with {authority}; see `gashub filing list`")
