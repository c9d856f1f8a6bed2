"""Write each batch as JSON, XLSX and digest into the folder; the digest comes last.

A batch is complete when its `.sha256` file is there, and only then. Every file is written as
`.part`, synced, renamed, and the folder synced, so that a cut leaves nothing that looks whole.
"""

import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import orjson
import rfc8785
import structlog
from ulid import ULID

from hub import Delivery, Parcel, SinkPaused, SinkUnavailable, Site, check_digit_fits
from plugins.gov_filing.records import filing, newest_head, record_of
from plugins.gov_filing.settings import FilingSettings
from plugins.gov_filing.workbook import write_workbook

log = structlog.get_logger()


class FilingFolder:
    """One folder that somebody picks files up from."""

    def __init__(self, name: str, settings: FilingSettings, site: Site) -> None:
        self._name = name
        self._settings = settings
        self._gateway = site.gateway
        if not check_digit_fits(settings.credit_code):
            log.warning("credit_code_check_digit", sink=name, credit_code=settings.credit_code)

    def open(self) -> None:
        """Clear away what an interrupted write of ours left.

        raises  SinkUnavailable when the folder is missing or cannot be written
        """
        folder = self._settings.folder
        if not folder.is_dir():
            raise SinkUnavailable(
                f"filing folder {folder} is not there; mount it or create it for the hub's user"
            )
        try:
            for left in folder.glob(f"gashub-{self._gateway}-*.part"):
                left.unlink()
        except OSError as fault:
            raise self._unavailable(fault) from fault

    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery:
        """File one batch. The same batch again finds its files and writes nothing."""
        found = {parcel.id: record_of(parcel) for parcel in parcels}
        refused = {
            ident: "only verdicts are filed; take this kind out of the sink's events"
            for ident, record in found.items()
            if record is None
        }
        filed = [parcel for parcel in parcels if parcel.id not in refused]
        if not filed:
            return Delivery(refused=refused)
        whole = filing(
            [record for record in found.values() if record is not None],
            batch=batch,
            claimed_at=ULID.from_str(batch).datetime,
            company=self._settings.company,
            credit_code=self._settings.credit_code,
            division_code=self._settings.division_code,
            gateway=self._gateway,
            ledger=newest_head(filed),
        )
        stem = f"gashub-{self._gateway}-{batch}"
        try:
            receipt = self._filed_before(stem, whole["header"]["records_sha256"])
            if receipt is None:
                receipt = self._file(stem, whole)
        except OSError as fault:
            raise self._unavailable(fault) from fault
        return Delivery(taken={parcel.id: receipt for parcel in filed}, refused=refused)

    def close(self) -> None:
        """Nothing is held between two batches."""

    def _file(self, stem: str, whole: dict[str, object]) -> str:
        body = rfc8785.dumps(whole)  # type: ignore[arg-type]  # the library checks the types itself
        self._put(f"{stem}.json", lambda path: path.write_bytes(body))
        self._put(f"{stem}.xlsx", lambda path: write_workbook(path, whole))
        digests = "".join(
            f"{self._digest(name)}  {name}\n" for name in (f"{stem}.json", f"{stem}.xlsx")
        )
        self._put(f"{stem}.sha256", lambda path: path.write_text(digests, encoding="ascii"))
        return _receipt(stem, digests)

    def _filed_before(self, stem: str, records_sha256: str) -> str | None:
        """The receipt of a batch whose files are complete; None when one is missing.

        raises  SinkPaused when what lies there is not what was filed
        """
        digest_file = self._settings.folder / f"{stem}.sha256"
        paths = [self._settings.folder / f"{stem}{kind}" for kind in (".json", ".xlsx")]
        if not all(path.exists() for path in (digest_file, *paths)):
            return None
        digests = digest_file.read_text(encoding="ascii", errors="replace")
        for path in paths:
            if f"{self._digest(path.name)}  {path.name}\n" not in digests:
                raise SinkPaused(
                    f"{path} was changed after it was filed; put the original back, or move "
                    f"{stem}.* away to have it written anew, then `gashub outbox retry`"
                )
        header = orjson.loads(paths[0].read_bytes())["header"]
        if header["records_sha256"] != records_sha256:
            raise SinkPaused(
                f"{digest_file}: another filing of this batch lies there; move {stem}.* away, find "
                "out who wrote it, then `gashub outbox retry`"
            )
        return _receipt(stem, digests)

    def _put(self, name: str, write: Callable[[Path], object]) -> None:
        part = self._settings.folder / f"{name}.part"
        write(part)
        _sync(part)
        part.replace(self._settings.folder / name)
        _sync(self._settings.folder)

    def _digest(self, name: str) -> str:
        return sha256((self._settings.folder / name).read_bytes()).hexdigest()

    def _unavailable(self, fault: OSError) -> SinkUnavailable:
        return SinkUnavailable(
            f"filing folder {self._settings.folder} cannot be written "
            f"({fault.strerror or fault}); free space there, or check the mount and its owner"
        )


def _receipt(stem: str, digests: str) -> str:
    return f"{stem}.json sha256:{digests[:64]}"


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
