"""A filing of many rows: assembled from the record, checked, recorded, signed, sealed and written.

    python bench/filing.py --rows 20000

Seconds of each part, and the peak memory of the process that assembles and of the one that
carries (the hub's side), each a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from hub.ledger import LedgerReader, verify
from hub.signing import Scheme, digest_of, seal, signing_key, verifying_key
from plugins.filing.package import filing_of
from plugins.filing.workbook import write_workbook
from tests.filing_rig import REFUSED, Office, refused
from tests.foreman_rig import Yard
from tests.records_rig import copied

PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
OFFICE, HUB = "office", "hub"


def timed(told: dict[str, float], name: str, act: Callable[[], Any]) -> Any:
    began_s = time.perf_counter()
    made = act()
    told[f"{name}_s"] = round(time.perf_counter() - began_s, 2)
    return made


def prepare(folder: Path, rows: int) -> None:
    """A record of so many refused inspections."""
    with Yard(folder) as yard:
        refused(yard.staffed())
        copied(yard, REFUSED, rows - 1)


def office_side(folder: Path) -> dict[str, Any]:
    """Assemble and check, as `gashub filing draft` does, and hand it in."""
    told: dict[str, Any] = {}
    held_s = 0.0
    with Yard(folder) as yard:
        office = Office(yard)
        office.wait_until_over()
        submit = yard.submit

        def watched(act: Callable[[Any], Any]) -> Any:
            nonlocal held_s
            began_s = time.perf_counter()
            made = submit(act)
            held_s = max(held_s, time.perf_counter() - began_s)
            return made

        yard.submit = watched  # type: ignore[method-assign]
        made = timed(told, "assembled_and_checked", office.due)
        told["rows"] = len(made.members)
        told["faults"] = sum(one.level == "fault" for one in made.findings)
        handed = timed(told, "handed_in", lambda: office.hand_in(made))
        office.approve(handed)
        timed(told, "submitted", lambda: office.submit(handed))
        told["longest_transaction_s"] = round(held_s, 2)
    return told


def hub_side(folder: Path) -> dict[str, Any]:
    """Sign, seal and write what the outbox has."""
    told: dict[str, Any] = {}
    with Yard(folder) as yard:
        office = Office(yard)
        (parcel,) = office.parcels()
        filing = timed(told, "checked_against_the_approved", lambda: filing_of(parcel))
        assert not isinstance(filing, str), filing
        told["document_mb"] = round(len(filing.body) / 1e6, 1)
        key = signing_key(Scheme(), PRIVATE)
        digest = timed(told, "digest", lambda: digest_of("sm3", filing.body))
        signature = timed(told, "signed", lambda: key.sign(digest.encode()))
        assert verifying_key(Scheme(), key.public).verify(digest.encode(), signature)
        timed(told, "sealed", lambda: seal("sm4-gcm", bytes(16), filing.body))
        profile = office.profile
        path = folder / "filing.xlsx"
        timed(told, "workbook_written", lambda: write_workbook(path, filing, profile))
    with LedgerReader(folder) as reader:
        told["entries"] = reader.size()
    told["verified"] = verify(folder).ok
    return told


def child(part: str, folder: Path) -> dict[str, Any]:
    """One part in a process of its own, with its peak memory."""
    said = subprocess.run(
        [sys.executable, __file__, "--part", part, "--folder", folder],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    made: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return made


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--part", choices=(OFFICE, HUB))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.part:
        told = office_side(given.folder) if given.part == OFFICE else hub_side(given.folder)
        told["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(json.dumps(told))
        return 0
    with tempfile.TemporaryDirectory(prefix="gashub-bench-") as name:
        folder = Path(name)
        prepare(folder, given.rows)
        figures = {"rows": given.rows, OFFICE: child(OFFICE, folder), HUB: child(HUB, folder)}
    text = json.dumps(figures, indent=2)
    print(text)
    if given.json:
        given.json.parent.mkdir(exist_ok=True)
        given.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
