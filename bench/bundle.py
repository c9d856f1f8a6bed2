"""Bend evidence bundles by the thousand: is one accepted that is not as it was sealed?

accepted        bent bundles that verify, by way; without the key none may be
planted         the same by a verifier that does not look at the seal: must not be 0
disagreements   bundles, good and bad, of which a second verifier says something else than ours
                (tests/second_verifier.py, written from docs/evidence.md alone); among the bad
                ones are some that the true key has sealed
verify_s        a fresh process, on a hold of 30 minutes at one reading a second
export          a bundle out of a log of so many entries: seconds, and memory at the most

python bench/bundle.py --mutations 10000 --pairs 200 --entries 1000000 [--json FILE]
"""

import argparse
import logging
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog
from rich.progress import track
from rig import GASHUB, report

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the tests' rig makes the jobs, and the second verifier is there

from bundle_bending import INSIDER, WAYS, Stock, Way  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402

from hub.bundle import verify  # noqa: E402
from hub.bundle.container import Container  # noqa: E402
from hub.clock import HandClock  # noqa: E402
from hub.ledger import Ledger, encode_block  # noqa: E402
from hub.ledger.keys import DeviceKey, PublicKey  # noqa: E402
from hub.measuring import measure  # noqa: E402
from hub.model import Intake  # noqa: E402
from tests.bundle_rig import Works, device_key, held, on_site, purge_order  # noqa: E402
from tests.second_verifier import check  # noqa: E402

NUMBER, OTHER, ORDER = "2026-2001", "2026-2002", "GS-7"
_PER_COMMIT = 500


def stock(folder: Path) -> tuple[Stock, dict[str, bytes]]:
    """What to bend; and good bundles of all sorts, by what they are."""
    with Works(folder / "ours") as works:
        works.staffed()
        on_site(works)
        begun_and_broken_off(works)
        others = {"riser": "B-1", "indoor": "B-1-1"}
        assert works.open(purge_order(OTHER, sections=others))["done"]
        held(works, hold_s=30)
        works.event(ORDER, "abort")
        good = dict(bundles(works, folder))
        key = device_key(works)
    with Works(folder / "theirs") as works:
        works.staffed()
        assert works.open(purge_order())["done"]
        alien = works.sealed(folder / "alien.zip").read_bytes()
    false_key = DeviceKey(Ed25519PrivateKey.generate(), key.public.origin)
    made = Stock(good["job"], good["another job"], alien, key, false_key)
    return made, good


def begun_and_broken_off(works: Works) -> None:
    """A hold that ends ABORTED after a few readings."""
    works.step(NUMBER, "riser_hold")
    works.event(NUMBER, "zeroed", instrument="pm-1")
    for pa in (0, 0, 2000, 5200, 5201):
        works.read("pm-1", str(pa), "Pa", "pressure")
        works.wait(1)
    works.event(NUMBER, "abort")
    works.turn()


def bundles(works: Works, folder: Path) -> Iterator[tuple[str, bytes]]:
    for name, number, wanted in (
        ("job", NUMBER, {}),
        ("for the court", NUMBER, {"recipient": "court"}),
        ("with files", NUMBER, {"recipient": "company", "files": True}),
        ("without hazards", NUMBER, {"hazards": False}),
        ("another job", OTHER, {}),
        ("order", ORDER, {}),
    ):
        path = works.sealed(folder / f"{name}.zip", number, **wanted)
        yield name, path.read_bytes()


class Judge:
    """Asks a verifier about bytes, by a file."""

    def __init__(self, folder: Path, key: PublicKey) -> None:
        self._path = folder / "bent.zip"
        self._key = key

    def ours(self, bundle: bytes) -> bool:
        self._path.write_bytes(bundle)
        return verify(self._path, self._key).good

    def second(self, bundle: bytes) -> bool:
        try:
            check(bundle, self._key.line())
        except Exception:  # noqa: BLE001 - whatever it stumbles over, it does not accept
            return False
        return True


def bend(judge: Judge, made: Stock, count: int, seed: int) -> dict[str, Any]:
    """Bend and ask; every way is tried equally often."""
    dice = random.Random(seed)
    tried: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    names = list(WAYS)
    for turn in track(range(count), "bent", disable=not sys.stderr.isatty()):
        name = names[turn % len(names)]
        bent = made.good
        while bent in (made.good, made.other):  # not changed, or another one as it was sealed
            bent = WAYS[name](dice, made)
        tried[name] += 1
        accepted[name] += judge.ours(bent)
    return {"tried": dict(tried), "accepted": dict(+accepted), "accepted_in_all": accepted.total()}


def planted(judge: Judge, made: Stock, count: int, seed: int) -> dict[str, Any]:
    """The same, by a verifier that takes every seal."""
    with patch.object(Container, "seal_holds", lambda *_: True):
        return bend(judge, made, count, seed)


def compare(
    judge: Judge, made: Stock, good: Mapping[str, bytes], pairs: int, seed: int
) -> dict[str, Any]:
    """Ask both verifiers about the same bundles, half of them good."""
    dice = random.Random(seed)
    ways: dict[str, Way] = {**WAYS, **{f"insider {name}": way for name, way in INSIDER.items()}}
    bad, said, differ = list(ways), Counter[str](), []
    for turn in track(range(pairs), "second verifier", disable=not sys.stderr.isatty()):
        if turn % 2:
            name = bad[turn // 2 % len(bad)]
            bundle = ways[name](dice, made._replace(good=dice.choice(list(good.values()))))
        else:
            name, bundle = dice.choice(list(good.items()))
        ours, second = judge.ours(bundle), judge.second(bundle)
        said[f"{'good' if ours else 'bad'}"] += 1
        if ours != second:
            differ.append(f"{name}: ours {ours}, the second {second}")
        if turn % 2 == 0 and not ours:
            differ.append(f"{name}: good by making, and ours says it is not")
    return {"pairs": pairs, "said": dict(said), "disagreements": differ}


def timed(folder: Path) -> dict[str, Any]:
    """A hold of 30 minutes at 1 Hz, verified by the command."""
    with Works(folder / "long") as works:
        works.staffed()
        held(works, hold_s=3600, procedure="commercial_hold")
        bundle = works.sealed(folder / "long.zip", ORDER)
    seconds = []
    for _ in range(3):
        began_s = time.perf_counter()
        done = subprocess.run(
            [GASHUB, "evidence", "verify", str(bundle), "--json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds.append(time.perf_counter() - began_s)
        assert done.returncode == 0, done.stdout + done.stderr
    return {"bytes": bundle.stat().st_size, "verify_s": round(min(seconds), 2)}


def large(folder: Path, entries: int) -> dict[str, Any]:
    """A bundle out of a log with *entries* entries of other instruments."""
    with Works(folder / "large") as works:
        works.staffed()
        held(works, hold_s=60)
        works.event(ORDER, "abort")
        works.turn()
        fill(works.ledger, works.clock, entries)
        began_s = time.perf_counter()
        bundle = works.sealed(folder / "large.zip", ORDER)
        took_s = time.perf_counter() - began_s
        size = works.ledger.head().size
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began_s = time.perf_counter()
    assert verify(bundle).good
    return {
        "entries": size,
        "export_s": round(took_s, 1),
        "export_s_per_million": round(took_s * 1e6 / size, 1),
        "process_peak_mb": round(peak_mb),
        "bytes": bundle.stat().st_size,
        "verify_s": round(time.perf_counter() - began_s, 2),
    }


def fill(ledger: Ledger, clock: HandClock, entries: int) -> None:
    """Blocks of another instrument, many to a commit."""
    at_us = clock.now_us()
    reading = measure(instrument="x-1", quantity="gas", value="0.1", unit="%LEL", at_us=at_us)
    block = encode_block([Intake("x-1", b"\x02+0.1\x03", at_us, (reading,))])
    for _ in track(range(entries // _PER_COMMIT), "log", disable=not sys.stderr.isatty()):
        with ledger.transaction() as tx:
            for _ in range(_PER_COMMIT):
                tx.append("readings", block, at_us)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the large log; 0: none")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made, good = stock(folder)
        judge = Judge(folder, made.true_key.public)
        figures = {
            "sizes": {what: len(bundle) for what, bundle in good.items()},
            "mutations": bend(judge, made, options.mutations, options.seed),
            "planted": planted(judge, made, max(170, options.mutations // 20), options.seed),
            "second": compare(judge, made, good, options.pairs, options.seed),
            "hold_30_min": timed(folder),
            **({"large_log": large(folder, options.entries)} if options.entries else {}),
        }
    report(figures, options.json)
    ok = not figures["mutations"]["accepted_in_all"] and not figures["second"]["disagreements"]
    return 0 if ok and figures["planted"]["accepted_in_all"] else 1


if __name__ == "__main__":
    sys.exit(main())
