"""What is kept, for people who look: jobs by their last day, and one customer's data."""

from pathlib import Path
from typing import Any

from hub.clock import HubClock, iso, local_day
from hub.errors import CommandRefused
from hub.foreman.personal import Pseudonyms
from hub.foreman.retention import ended_jobs
from hub.ledger import LedgerReader


def kept_jobs(state_dir: Path, *, due: bool) -> list[dict[str, Any]]:
    """Jobs that have ended, the one that may go first at the top; *due*: only those that may."""
    today = local_day(HubClock().now_us())
    with LedgerReader(state_dir) as reader:
        return [
            {
                "job": one.number,
                "kind": one.kind,
                "ended": one.ended,
                "at": iso(one.ended_us),
                "keep_until": one.keep_until.isoformat(),
                "retention": one.kept_by,
                "clause": one.clause,
                "held": one.held,
                "erased": one.erased,
            }
            for one in ended_jobs(reader.sql)
            if not due or (one.keep_until < today and not one.held and one.erased != "all")
        ]


def data_of(state_dir: Path, *, user_no: str = "", subject: str = "") -> dict[str, Any]:
    """Everything that is kept of one customer.

    raises  CommandRefused when neither number nor pseudonym is given, or nothing is known
    """
    if not (user_no or subject):
        raise CommandRefused("give --user-no, or --subject with the pseudonym")
    name = subject or Pseudonyms(state_dir).of(user_no)
    with LedgerReader(state_dir) as reader:
        jobs = reader.rows(
            "SELECT number, kind, user_class, phase, ended, opened_us, erased FROM jobs"
            " WHERE subject=? ORDER BY opened_us",
            (name,),
        )
        if not jobs:
            raise CommandRefused(f"nothing is kept of {name}")
        papers = reader.rows(
            "SELECT p.number, p.entry FROM job_papers p JOIN jobs j ON j.number=p.number"
            " WHERE j.subject=? AND p.kind='personal' ORDER BY p.entry",
            (name,),
        )
        fields = [(number, entry, reader.read(entry)) for number, entry in papers]
        pictures = reader.rows(
            "SELECT f.number, f.sha256 FROM job_files f JOIN jobs j ON j.number=f.number"
            " WHERE j.subject=? ORDER BY f.number, f.sha256",
            (name,),
        )
        return {
            "subject": name,
            "jobs": [
                {
                    "job": number,
                    "kind": kind,
                    "user_class": user_class,
                    "state": ended or phase,
                    "opened": iso(opened_us),
                    "erased": erased,
                }
                for number, kind, user_class, phase, ended, opened_us, erased in jobs
            ],
            "personal": [
                {
                    "job": number,
                    "entry": entry,
                    "kept_since": iso(kept.at_us),
                    "fields": kept.record()["fields"] if kept.body is not None else "erased",
                }
                for number, entry, kept in fields
            ],
            "files": [{"job": number, "sha256": digest} for number, digest in pictures],
        }
