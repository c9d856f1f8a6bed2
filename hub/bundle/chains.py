"""Is anything left out? Jobs and attempts whose entries count themselves, held against their count.

A gap inside a chain shows. That the last link shown is the last there is shows only where nothing
can follow it: behind an attempt's verdict, and behind the event that ended a job.
"""

from hub.bundle.container import ENTRIES, MANIFEST
from hub.bundle.contents import Contents, body_of
from hub.bundle.finding import NotGood, Report
from hub.bundle.manifest import NONE, AttemptNote, JobNote, Manifest
from hub.ledger import Entry
from hub.ledger.chain import FIRST, attempt_chain, job_chain


def check_chains(contents: Contents, manifest: Manifest, report: Report) -> None:
    """Raises NotGood naming the link at which something is missing."""
    for job in manifest.jobs:
        _job(contents, job, report)
    listed = {note.attempt: note for note in manifest.attempts}
    for note in manifest.attempts:
        _attempt(contents, note, report)
    for entry in contents.of("attempt"):
        id = entry.refs.get("attempt")
        if id is not None and id not in listed:
            raise NotGood("manifest", f"does not list attempt {id}", MANIFEST, entry.index)
    numbers = {job.number for job in manifest.jobs}
    for entry in contents.of("job"):
        if entry.refs.get("order") not in numbers:
            raise NotGood("manifest", "does not list this job", MANIFEST, entry.index)


def _job(contents: Contents, job: JobNote, report: Report) -> None:
    links = contents.chain(job_chain(job.number))
    if not any(entry.kind == "job" for entry in links):
        raise NotGood("chain", f"job {job.number}: the entry that opened it is missing", ENTRIES)
    last = _links(contents, links, f"job {job.number}", report)
    if (last, links[-1].index) != (job.last_seq, job.last_entry):
        raise NotGood(
            "chain",
            f"job {job.number}: its chain ends with link {last} in entry {links[-1].index}, and the"
            f" manifest says link {job.last_seq} in entry {job.last_entry}",
            ENTRIES,
            links[-1].index,
        )


def _attempt(contents: Contents, note: AttemptNote, report: Report) -> None:
    opened = contents.one(note.opened_entry, "attempt")
    if note.verdict_entry == NONE:
        report.not_shown["attempts without a verdict: later events may be missing"] += 1
    else:
        contents.one(note.verdict_entry, "verdict")
    links = contents.chain(attempt_chain(note.attempt))
    if opened.refs.get("attempt") != note.attempt:
        report.not_shown["attempts from before entries counted: an event may be missing"] += 1
        return
    _links(contents, links, f"attempt {note.attempt}", report)
    ends = [entry.index for entry in links if entry.kind == "verdict"]
    wanted = [] if note.verdict_entry == NONE else [note.verdict_entry]
    if links[0] is not opened or ends != wanted or (ends and links[-1].index != ends[0]):
        raise NotGood(
            "chain",
            f"attempt {note.attempt}: does not go from entry {note.opened_entry} to "
            f"{note.verdict_entry}, as the manifest says",
            ENTRIES,
            links[-1].index,
        )


def _links(contents: Contents, links: list[Entry], name: str, report: Report) -> int:
    """Check `seq` and `prev` of every link; returns the last `seq`, NONE where none counts.

    A link whose body is not shown is counted all the same: the next one must point at it.
    """
    seq, before, counting, unseen = NONE, FIRST, False, 0
    for entry in links:
        if entry.index in contents.bare:
            seq, unseen, before = seq + counting, unseen + 1, entry.index
            continue
        body = body_of(entry)
        told = body.get("seq"), body.get("prev")
        if told == (None, None) and not counting:
            report.not_shown["entries from before they counted: one may be missing"] += 1
            continue
        # Links that are not shown may be of the chain already, or from before it began.
        starts = {(0, FIRST), (unseen, before if unseen else FIRST)}
        if told not in ({(seq + 1, before)} if counting else starts):
            raise NotGood(
                "chain",
                f"{name}: says that it is link {told[0]} after entry {told[1]}, and here it comes "
                f"after link {seq if counting else NONE} in entry {before}: something is missing",
                ENTRIES,
                entry.index,
            )
        seq, before, counting = seq + 1 if counting else told[0], entry.index, True
        report.counts["links of chains"] += 1
    return seq
