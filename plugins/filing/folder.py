"""Filings into a folder, for whoever uploads them by hand: JSON, workbook, digests.

A filing is complete when its `.sha256` is there. That the files lie there is no acceptance: the
filing is submitted, and what the authority answers is typed in (`gashub filing answer`).
"""

import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from hub import (
    Delivery,
    Filed,
    FolderOf,
    Parcel,
    Profile,
    Said,
    SinkPaused,
    SinkUnavailable,
    Site,
)
from plugins.filing.package import Filing, filing_of, read_profile
from plugins.filing.settings import FolderFilingSettings
from plugins.filing.sink import Learnt
from plugins.filing.workbook import changed, write_workbook


class FolderFiling:
    """One folder. The same filing again finds its files and writes nothing."""

    def __init__(self, name: str, settings: FolderFilingSettings, site: Site) -> None:
        self._folder = settings.folder
        self._settings = settings
        self._profile: Profile | None = None

    def open(self) -> None:
        """Read the profile, and clear away what an interrupted write of ours left.

        raises  SinkPaused, SinkUnavailable
        """
        self._profile = read_profile(self._settings.profile, FolderOf)
        if not self._folder.is_dir():
            raise SinkUnavailable(
                f"filing folder {self._folder} is not there; mount it or create it for the hub's "
                "user"
            )
        try:
            for left in self._folder.glob("filing-*.part"):
                left.unlink()
        except OSError as fault:
            raise self._unavailable(fault) from fault

    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery:
        """Write the files of each filing, the digests last."""
        if self._profile is None:
            raise SinkPaused("the sink is not open; what kept it so was said before")
        learnt = Learnt()
        for parcel in parcels:
            filing = filing_of(parcel)
            if isinstance(filing, str):
                learnt.refused[parcel.id] = filing
                continue
            try:
                proof = self._written(filing, self._profile)
            except OSError as fault:
                raise self._unavailable(fault) from fault
            learnt.of(parcel, Said("submitted", proof=proof))
        return learnt.delivery()

    def filed(self, filings: Sequence[str]) -> Iterator[Filed]:
        """Look for the document of each; see `hub.holdings.TellsFilings`. A folder can say no
        more than that, and things are taken out of it.
        """
        if not self._folder.is_dir():
            raise SinkUnavailable(f"filing folder {self._folder} is not there; mount it")
        marks = sorted(self._folder.glob("filing-*.sha256"))
        others = [path.stem.removeprefix("filing-") for path in marks]
        for filing in dict.fromkeys([*filings, *others]):
            path = self._folder / f"filing-{filing}.json"
            there = path.exists() and path.with_suffix(".sha256").exists()
            digest = sha256(path.read_bytes()).hexdigest() if there else ""
            yield Filed(filing, there, None, digest, str(path), keeps=False)

    def close(self) -> None:
        """Nothing is held between two filings."""

    def _written(self, filing: Filing, profile: Profile) -> str:
        """Digest and name of the document. raises OSError, SinkPaused"""
        stem = f"filing-{filing.id}"
        told = f"{stem}.json sha256:{sha256(filing.body).hexdigest()}"
        digests = self._folder / f"{stem}.sha256"
        names = [f"{stem}.json", f"{stem}.xlsx"]
        if digests.exists() and all((self._folder / name).exists() for name in names):
            if digests.read_text(encoding="ascii", errors="replace") == self._digests(names):
                return told
            raise SinkPaused(
                f"{digests}: the files were changed after they were written; put them back, or "
                f"move {stem}.* away to have them written anew, then `gashub outbox retry`"
            )
        if what := changed(filing, profile):
            raise SinkPaused(
                f"{self._settings.profile} was changed after filing {filing.id} was drafted "
                f"({what}), and its workbook would not be what was approved: put the profile back "
                "as it was until the filing is out, then `gashub outbox retry`"
            )
        self._put(names[0], lambda path: path.write_bytes(filing.body))
        self._put(names[1], lambda path: write_workbook(path, filing, profile))
        text = self._digests(names)
        self._put(digests.name, lambda path: path.write_text(text, encoding="ascii"))
        return told

    def _digests(self, names: Sequence[str]) -> str:
        """In the form of `sha256sum -c`."""
        return "".join(
            f"{sha256((self._folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names
        )

    def _put(self, name: str, write: Callable[[Path], object]) -> None:
        part = self._folder / f"{name}.part"
        write(part)
        _sync(part)
        part.replace(self._folder / name)
        _sync(self._folder)

    def _unavailable(self, fault: OSError) -> SinkUnavailable:
        return SinkUnavailable(
            f"filing folder {self._folder} cannot be written ({fault.strerror or fault}); free "
            "space there, or check the mount and its owner"
        )


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
