"""docs/evidence.md is enough to write a verifier, and what it prints is true."""

import base64
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.bundle import verify
from hub.bundle.exporting import verification_text
from hub.bundle.manifest import Manifest
from hub.ledger import read_checkpoint, signed_by
from hub.ledger.canonical import canonical
from hub.ledger.keys import PublicKey
from hub.ledger.merkle import leaf_hash, node_hash
from tests.bundle_rig import NUMBER, Bent, Works, held, lit, on_site, purged
from tests.second_verifier import Key, rfc9162

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
SECOND = Path(__file__).with_name("second_verifier.py")
SHOWN = dict(re.findall(r"^(key|root|seal|[01] \w+) +(\S.*)$", TEXT, re.MULTILINE))
NOTE = re.findall(r"^```text\n(gashub/example.*?\n)```", TEXT, re.MULTILINE | re.DOTALL)[0]


def test_the_example_is_true_by_its_own_words() -> None:
    """Every figure that the page prints, worked out again."""
    for index in "01":
        salt, facts, body, head, leaf = (
            SHOWN[f"{index} {what}"] for what in ("salt", "facts", "body", "head", "leaf")
        )
        digest = sha256(bytes.fromhex(salt) + facts.encode() + body.encode()).hexdigest()
        assert f'"digest":"{digest}"' in head
        assert head.replace(f'"digest":"{digest}",', "") == facts
        assert leaf_hash(head.encode()).hex() == leaf
    leaves = [bytes.fromhex(SHOWN[f"{index} leaf"]) for index in "01"]
    assert node_hash(*leaves).hex() == SHOWN["root"]
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    key = PublicKey.from_line(SHOWN["key"])
    assert key.raw == private.public_key().public_bytes_raw()
    signed = read_checkpoint(NOTE)
    assert (signed.size, signed.root.hex()) == (2, SHOWN["root"])
    assert signed_by(signed, key)
    text = f"gashub-evidence-seal 1\n{sha256(b'').hexdigest()}\n"
    assert private.sign(text.encode()).hex() == SHOWN["seal"]


def test_the_second_verifier_agrees_with_the_example() -> None:
    key = Key(SHOWN["key"])
    size, root = key.head(NOTE)
    leaves = [bytes.fromhex(SHOWN[f"{index} leaf"]) for index in "01"]
    for index, other in ((0, 1), (1, 0)):
        proof = [base64.b64encode(leaves[other]).decode()]
        assert rfc9162(index, size - 1, b"", leaves[index], proof)[1] == root


def test_the_second_verifier_is_short_and_a_stranger() -> None:
    """Standard library and cryptography alone, and less than two hundred lines."""
    text = SECOND.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    assert not re.search(
        r"^\s*(from|import) (hub|plugins|tests|orjson|rfc8785)", text, re.MULTILINE
    )


def test_the_page_names_every_key_of_a_manifest_and_no_other() -> None:
    table = TEXT.partition("**`manifest.json`**")[2].partition("**`checkpoint`**")[0]
    named = [name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
             for name in re.findall(r"`(\w+)`", row)]  # fmt: skip
    assert sorted(named) == sorted(Manifest.model_fields)
    assert len(TEXT.splitlines()) < 250


def test_the_page_itself_is_in_every_bundle(works: Works, tmp_path: Path) -> None:
    bundle = works.sealed(tmp_path / "b.zip")
    assert Bent(bundle.read_bytes()).members["VERIFY.md"] == TEXT.encode() == verification_text()


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Works(tmp_path_factory.mktemp("works") / "state") as made:
        made.staffed()
        on_site(made)
        purged(made)
        lit(made)
        held(made)
        yield made


def test_the_second_verifier_takes_what_the_first_takes(works: Works, tmp_path: Path) -> None:
    """As a program, with key and outside head."""
    head = tmp_path / "head"
    told = [one["data"] for one in works.told if one["subject"] == NUMBER]
    head.write_text(told[-1]["ledger"]["checkpoint"], encoding="utf-8")
    bundle = works.sealed(tmp_path / "b.zip")
    command = [sys.executable, str(SECOND), str(bundle), str(works.folder / "device.pub")]
    assert subprocess.run([*command, str(head)], check=False).returncode == 0
    head.write_text(NOTE, encoding="utf-8")
    done = subprocess.run([*command, str(head)], capture_output=True, check=False)
    assert done.returncode == 1


OF_LEDGER = """
import sys
from pathlib import Path
from hub.ledger import LedgerReader
from hub.ledger.canonical import canonical
from hub.registry import Registry
from hub.replaying import decided, plain
with LedgerReader(Path(sys.argv[1])) as reader:
    for one in decided(reader, Registry([])):
        print(one.record["id"], canonical(plain(one.attempt.judge())).hex())
"""
OF_BUNDLE = """
import sys
from pathlib import Path
from hub.bundle.judging import rejudged
from hub.bundle.verifying import open_bundle
from hub.registry import Registry
for id, verdict in rejudged(open_bundle(Path(sys.argv[1])).contents, Registry([]).procedures):
    print(id, verdict.hex())
"""


def test_every_verdict_is_judged_again_to_the_same_bytes(works: Works, tmp_path: Path) -> None:
    """In a process that has only the ledger's file, and in one that has only a bundle."""
    ledger = tmp_path / "alone" / "copy.db"
    ledger.parent.mkdir()
    works.ledger_sql("VACUUM INTO ?", str(ledger))
    recorded = {
        entry.record()["id"]: canonical(entry.record()["verdict"]).hex()
        for entry in works.entries("verdict")
    }

    def said(code: str, file: Path) -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", code, str(file)],
            capture_output=True, text=True, check=True, cwd=file.parent,
        )  # fmt: skip
        lines = [line.split() for line in done.stdout.splitlines()]
        return {id: verdict for id, verdict in lines if len(id) == 26}

    assert len(recorded) == 4
    assert said(OF_LEDGER, ledger) == recorded
    found = {}
    for number in (NUMBER, "GS-7"):
        folder = tmp_path / number
        folder.mkdir()
        bundle = works.sealed(folder / "b.zip", number)
        assert verify(bundle).good
        found |= said(OF_BUNDLE, bundle)
    assert found == recorded
