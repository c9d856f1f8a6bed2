"""Checking a bundle, from the outside in; the first thing that is wrong ends it.

Order: container, key and seal, manifest, members, signed head, entries, older heads, chains,
files, jobs, verdicts, messages. What comes before the jobs a stranger can write himself from
docs/evidence.md; the rest is the gateway's own rules and drivers once more.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from hub.bundle.chains import check_chains
from hub.bundle.container import (
    CHECKPOINT,
    ENTRIES,
    FILES,
    HEADS,
    MANIFEST,
    Container,
    read_container,
)
from hub.bundle.contents import Contents, body_of, read_contents, read_signed_head
from hub.bundle.deciding import check_jobs
from hub.bundle.decoding import check_frames
from hub.bundle.exporting import read_outside
from hub.bundle.finding import NotGood, Report
from hub.bundle.heads import check_heads
from hub.bundle.judging import check_verdicts
from hub.bundle.manifest import Manifest, read_manifest
from hub.errors import ConfigError
from hub.ledger import Checkpoint
from hub.ledger.export import read_line
from hub.ledger.keys import PublicKey
from hub.registry import Registry, built_in_plugins

_WITHHELD: Final = {"personal": "personal", "another job": "job_event"}
"""Why an entry may be withheld -> the kind that it must be."""


class Opened(NamedTuple):
    """A bundle whose seal and entries hold."""

    container: Container
    manifest: Manifest
    key: PublicKey
    signed: Checkpoint
    contents: Contents


def verify(
    path: Path,
    key: PublicKey | None = None,
    outside_heads: Sequence[str] = (),
    plugins: Sequence[str] = (),
) -> Report:
    """Check the bundle at *path*; nothing but the file is needed.

    key            the gateway's, as kept outside; without one the bundle's own word is taken
    outside_heads  texts of checkpoints that were kept outside
    plugins        strangers' plugins to load besides the built-in ones that the bundle names
    raises         OSError when the file cannot be read; CommandRefused when an outside head is no
                   checkpoint; ConfigError when one of *plugins* cannot be loaded
    """
    report = Report(str(path), outside=len(outside_heads), key_given=key is not None)
    outside = [read_outside(text) for text in outside_heads]
    Registry(plugins)  # those that cannot be loaded are the caller's fault, not the bundle's
    try:
        bundle = open_bundle(path, key)
        report.key_id = bundle.key.id.hex()
        report.about = _about(bundle)
        report.counts["entries"] = len(bundle.contents.entries)
        head_lines = bundle.container.members[HEADS].data
        check_heads(head_lines, bundle.signed, bundle.key, outside, report)
        check_chains(bundle.contents, bundle.manifest, report)
        _check_files(bundle, report)
        check_jobs(bundle.contents, bundle.manifest, report)
        registry = _registry(bundle.contents, plugins)
        check_verdicts(bundle.contents, registry.procedures, report)
        check_frames(bundle.contents, registry, bundle.manifest.drivers, report)
        report.notes += _notes(report, bundle)
    except NotGood as bad:
        report.bad = bad
    except OSError:
        raise
    except Exception as bug:  # noqa: BLE001 - whatever a hostile gateway signed: no traceback
        report.bad = NotGood("form", f"cannot be checked: {type(bug).__name__}: {bug}")
    return report


def open_bundle(path: Path, key: PublicKey | None = None) -> Opened:
    """Everything up to the entries, each proved to be in the signed log.

    raises  NotGood; OSError when the file cannot be read
    """
    container = read_container(path)
    own = _own_key(container.members[ENTRIES].data)
    key = key or own
    if not container.seal_holds(key):
        raise NotGood("seal", f"it is not sealed by the key {key.id.hex()}, or was changed since")
    if own.line() != key.line():
        raise NotGood("seal", f"names the key {own.line()}, expected {key.line()}", ENTRIES, 0)
    manifest = read_manifest(container.members[MANIFEST].data)
    _check_members(container, manifest)
    if manifest.origin != key.origin:
        raise NotGood("manifest", f"origin is {manifest.origin}, the key's {key.origin}", MANIFEST)
    signed = read_signed_head(container.members[CHECKPOINT].data, key)
    contents = read_contents(container.members[ENTRIES].data, signed, manifest)
    for one in manifest.withheld:
        kind = contents.entries[one.entry].kind
        if kind != _WITHHELD[one.why]:
            what = f"is a {kind}, and withheld as {one.why}"
            raise NotGood("manifest", what, ENTRIES, one.entry)
    if body_of(contents.entries[0])["gateway"] != manifest.gateway:
        raise NotGood("manifest", f"gateway is {manifest.gateway}, not so in entry 0", MANIFEST)
    return Opened(container, manifest, key, signed, contents)


def _own_key(entries: bytes) -> PublicKey:
    """The key that entry 0 of the log names; it is the first line."""
    try:
        first = read_line(entries[: entries.find(b"\n") + 1]).entry
        if (first.index, first.kind) != (0, "genesis"):
            raise NotGood("entry", "the first line is not entry 0 of the log", ENTRIES, first.index)
        return PublicKey.from_line(first.record()["public_key"])
    except (KeyError, LookupError, TypeError, ValueError) as wrong:
        raise NotGood("entry", f"entry 0 names no key: {wrong}", ENTRIES, 0) from None


def _check_members(container: Container, manifest: Manifest) -> None:
    """What the manifest lists is what is there, and nothing else."""
    there = [(m.name, m.sha256, m.size) for m in container.members.values() if m.name != MANIFEST]
    listed = [(note.name, note.sha256, note.size) for note in manifest.members]
    for found, told in zip(there, listed, strict=False):
        if found != told:
            raise NotGood("manifest", f"is not as it is listed ({told[0]})", found[0])
    if len(there) != len(listed):
        raise NotGood("manifest", f"lists {len(listed)} members, and {len(there)} are there")


def _check_files(bundle: Opened, report: Report) -> None:
    """Attachments are those that the record names, by their hash."""
    named = {entry.refs.get("sha256", "") for entry in bundle.contents.of("file")}
    there = set()
    for member in bundle.container.members.values():
        if member.name.startswith(FILES):
            digest = member.name.removeprefix(FILES)
            if digest != member.sha256 or digest not in named:
                raise NotGood("file", "is not the file that the record names", member.name)
            there.add(digest)
    wanted = named - set(bundle.manifest.files_lost) if bundle.manifest.files else set()
    if there != wanted:
        odd = min(there ^ wanted)
        raise NotGood("file", "is named by the record, and left out without a word", FILES + odd)
    report.counts["files"] = len(there)
    if len(named) > len(there):
        report.not_shown["files: only their SHA-256 is here"] = len(named) - len(there)


def _registry(contents: Contents, plugins: Sequence[str]) -> Registry:
    """With *plugins*, and the built-in ones that the record names and that can be loaded here.

    Nothing else is imported for a file that may be anybody's.
    """
    named = {
        str(driver["plugin"])
        for entry in contents.of("parts")
        if entry.body is not None
        for driver in body_of(entry)["drivers"].values()
    }
    wanted = sorted(named & set(built_in_plugins()) - set(plugins))
    return Registry([*plugins, *filter(_loads, wanted)])


def _loads(plugin: str) -> bool:
    """Whether a built-in has here what it needs."""
    try:
        Registry([plugin])
    except (ConfigError, ImportError):
        return False
    return True


def _about(bundle: Opened) -> dict[str, object]:
    manifest = bundle.manifest
    return {
        "gateway": manifest.gateway,
        "origin": manifest.origin,
        manifest.kind: manifest.number,
        "recipient": manifest.recipient,
        "exported_at": manifest.exported_at,
        "software": manifest.software,
        "jobs": [job.number for job in manifest.jobs],
        "log": {"size": bundle.signed.size, "time": bundle.signed.time},
        "withheld": len(manifest.withheld),
        "erased": sum(form == "erased" for form in bundle.contents.bare.values()),
    }


def _notes(report: Report, bundle: Opened) -> list[str]:
    """What a good bundle does not prove, in plain words."""
    notes = []
    if not report.key_given:
        notes.append(
            "the key is the bundle's own, so this only shows that it agrees with itself: compare "
            f"its id {report.key_id} with the one that you were given, or give that with --key"
        )
    if not report.outside:
        notes.append(
            "no outside head was given: that somebody with the gateway's key has written the whole "
            "log anew cannot be ruled out"
        )
    if not bundle.manifest.hazards and bundle.manifest.jobs:
        notes.append("the jobs that came out of it were left out on purpose")
    return notes
