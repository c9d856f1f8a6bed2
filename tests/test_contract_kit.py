"""The kit is enough: its receivers run, verify and keep; its checker tells good from bad."""

import ast
import base64
import hmac
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3

from hub.cli.main import app
from hub.contract.expected import concluded
from hub.contract.files.check import Sender
from hub.contract.files.receiver import key_of, verify
from hub.contract.kit import vectors, write_kit
from hub.errors import CommandRefused
from hub.settings import EVENT_KINDS
from hub.simulate.receiver import Receiver

VECTORS = vectors()["vectors"]
SECRET = VECTORS[0]["secret"]


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit") / "kit"
    app(["contract", "kit", str(folder)], standalone_mode=False)
    return folder


@contextmanager
def running(command: Sequence[str]) -> Iterator[str]:
    """A receiver in a process of its own; gives its address, and ends it by its pid."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def checked(
    kit: Path, url: str, secret: str = SECRET, *more: str, program: str = "check.py"
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(kit / program), url, secret, *more]
    # A proxy that does not work: it must not be asked.
    env = {**os.environ, "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


def wrong(told: subprocess.CompletedProcess[str]) -> list[str]:
    """What the checker finds wrong."""
    assert told.stderr == ""
    return [line[7:] for line in told.stdout.splitlines() if line.startswith("WRONG")]


def sent(url: str, body: bytes, key: str) -> str:
    """The receipt for one signed event."""
    sender = Sender(url, SECRET)
    answer = sender.send(key, body)
    assert answer.takes, str(answer)
    return answer.receipt


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_kit_is_whole_and_stands_alone(kit: Path) -> None:
    """Nothing in it imports the hub, so it runs where no gateway is."""
    names = {str(path.relative_to(kit)) for path in kit.rglob("*") if path.is_file()}

    assert {
        "guide.en.md",
        "guide.zh-CN.md",
        "vectors.json",
        "expected.json",
        "asyncapi.json",
        "openapi.json",
        "words.json",
    } <= names
    assert len([name for name in names if name.startswith("golden/")]) >= 28
    assert len([name for name in names if name.startswith("schemas/")]) == 10
    for path in kit.rglob("*.py"):
        assert "from hub" not in path.read_text(encoding="utf-8")
        subprocess.run([sys.executable, "-I", "-m", "py_compile", path], check=True)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(CommandRefused, match="not empty"):
        write_kit(tmp_path)


@pytest.mark.parametrize("name", ["guide.en.md", "guide.zh-CN.md"])
def test_a_guide_is_one_page_and_names_what_is_there(kit: Path, name: str) -> None:
    text = (kit / name).read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 30
    for word in (
        "receivers/receiver.py",
        "receivers/Receiver.java",
        "check.py",
        "vectors.json",
        "openapi.json",
    ):
        assert word in text
        assert (kit / word).is_file()


@pytest.mark.parametrize("name", ["guide.en.md", "guide.zh-CN.md", "contract.md"])
def test_whatever_a_page_names_is_in_the_kit(kit: Path, name: str) -> None:
    """Files and links; kinds of event as the settings of a sink have them."""
    text = (kit / name).read_text(encoding="utf-8")
    named = {*re.findall(r"\]\((?!http)([^)#]+)\)", text)}
    if name != "contract.md":
        named |= set(re.findall(r"[\w/]+\.(?:py|java|cs|json|md)\b|\w+/(?=`)", text))
        for kind in EVENT_KINDS:
            assert f"`{kind}`" in text
    assert len(named) >= 6
    assert [one for one in sorted(named) if not (kit / one).exists()] == []


def test_no_page_of_the_kit_sends_anybody_to_our_folders(kit: Path) -> None:
    """What is only in a checkout of the gateway is no help to whoever has the kit."""
    for path in sorted(kit.rglob("*")):
        if path.suffix in (".md", ".json") and "golden" not in path.parts:
            ours = re.findall(
                r"\b(?:docs|plugins|tests|hub|config)/[\w./-]+", path.read_text("utf-8")
            )
            assert ours == [], path.name


FORMULA = {
    "guide.en.md": "**A success is: `verdict` is `PASS`, there is no `outcome`, and there is no "
    "`trial`.**",
    "guide.zh-CN.md": "**合格是指：`verdict` 为 `PASS`，没有 `outcome`，也没有 `trial`。**",
}


def test_a_success_is_one_formula_everywhere(kit: Path) -> None:
    """With the bold sentence about trials beside it."""
    pages = {**FORMULA, "contract.md": FORMULA["guide.en.md"]}
    for name, formula in pages.items():
        text = (kit / name).read_text("utf-8")
        assert formula in text
        assert [one for one in re.findall(r"\*\*[^*]+\*\*", text) if '"trial": true' in one]


def test_the_table_of_ends_is_that_of_the_rule_pack(kit: Path) -> None:
    """Every word with which a shipped job ends, good or not, and `completed` in the words."""
    text = (kit / "contract.md").read_text("utf-8").partition("| `kind` | good")[2]
    rows = [row.split("|")[1:4] for row in text.partition("\n\n")[0].splitlines()[2:]]
    told = {
        kind: ({*re.findall(r"`(\w+)`", good)}, {*re.findall(r"`(\w+)`", bad)})
        for kinds, good, bad in rows
        for kind in re.findall(r"`(\w+)`", kinds)
    }
    kinds = json.loads((kit / "words.json").read_text("utf-8"))["kinds"]
    assert told == {
        name: tuple(
            {word for word, end in kind["ended"].items() if end["completed"] is good}
            for good in (True, False)
        )
        for name, kind in kinds.items()
    }


def test_the_words_of_the_golden_events_are_in_the_list(kit: Path) -> None:
    """What a receiver meets it can look up: kinds, phases, ends, steps, reasons, outcomes."""
    words = json.loads((kit / "words.json").read_text("utf-8"))
    looked = 0
    for path in (kit / "golden" / "1.1.0").iterdir():
        data = json.loads(path.read_bytes())["data"]
        kind = words["kinds"].get(data.get("kind", ""))
        if kind:
            looked += 1
            assert data["user_class"] in kind["user_classes"]
            assert data.get("phase") in (None, *kind["phases"])
            assert data.get("ended") in (None, *kind["ended"])
            steps = (*kind["steps"], *kind["signals"], *kind["deadlines"])
            assert data.get("step") in (None, *steps)
            assert data.get("outcome") in (None, *words["visit_outcomes"])
            assert data.get("code") in (None, *words["hazards"])
        assert set(data.get("verdict", {}).get("reasons", []) if "test" in data else []) <= set(
            words["verdict_reasons"]
        )
        if "change" not in data and data.get("state") == "refused":
            assert {one["key"] for one in data["reasons"]} <= set(words["refusal_reasons"])
    assert looked > 15


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["http://127.0.0.1:9/", SECRET], "does the receiver run"),
        (["http://127.0.0.1:9/", "hunter2"], "`check.py secret` makes one"),
        (["http://127.0.0.1:9/", "whsec_***"], "`check.py secret` makes one"),
        (["http://127.0.0.1:9/", "whsec_" + "AAAA" * 4], "24 to 64 bytes"),
        (["127.0.0.1:8800", SECRET], "is no address"),
        (["http://[::1/", SECRET], "is no address"),
        (["http://127.0.0.1:99999/", SECRET], "is no address"),
        (["http://127.0.0.1:9/", SECRET, "/nowhere/at/all"], "no golden events"),
        (["http://127.0.0.1:9/", SECRET, "--token"], "python3 check.py URL SECRET"),
        ([], "python3 check.py URL SECRET"),
    ],
)
def test_a_checker_that_can_try_nothing_says_why(kit: Path, words: list[str], says: str) -> None:
    """Exit 2, in one line, without a traceback and without the secret."""
    command = [sys.executable, "-I", str(kit / "check.py"), *words]
    told = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (told.returncode, told.stdout) == (2, "")
    assert says in told.stderr
    assert "Traceback" not in told.stderr
    assert "hunter2" not in told.stderr


def test_the_checker_makes_a_secret_that_a_receiver_takes(kit: Path, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-I", str(kit / "check.py"), "secret"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    receiver = [sys.executable, "-I", str(kit / "receivers/receiver.py")]
    with running([*receiver, "0", made, str(tmp_path / "events.db")]) as url:
        assert checked(kit, url, made).stdout.endswith("0 wrong\n")
    for words in (["0"], ["0", "hunter2", str(tmp_path / "x.db")]):
        told = subprocess.run([*receiver, *words], capture_output=True, text=True, check=False)
        assert (told.returncode, "python3 receiver.py PORT" in told.stderr) == (2, True)


def test_the_kit_says_what_to_make_of_the_golden_events(kit: Path) -> None:
    """Each rule of the contract decides something there, and what it decides is known."""
    told = json.loads((kit / "expected.json").read_text("utf-8"))
    new = told["1.1.0"]

    assert {number: (one["state"], one["done"]) for number, one in new["orders"].items()} == {
        "2026-1184": ("cancelled", "not done"),
        "2026-1185": ("accepted", "done"),
        "2026-1186": ("cancelled", "not done"),  # though each of its tests is done
        "2026-1190": ("accepted", "not done"),  # a trial
        "2026-2002": ("refused", "not done"),
    }
    tests = {
        number: [(one["done"], one["success"]) for one in order["tests"].values()]
        for number, order in new["orders"].items()
        if "tests" in order
    }
    good, screened, open_ = ("done", True), ("done", False), ("not done", False)
    assert tests == {
        "2026-1184": [good, screened, open_], "2026-1185": [good, screened],
        "2026-1186": [good], "2026-1190": [open_],
    }  # fmt: skip
    assert {number: one["done"] for number, one in new["jobs"].items()} == {
        "2026-2001": "not done", "2026-2003": "done", "2026-3001": "done", "2026-3009": "not done",
    }  # fmt: skip
    assert {number: one["done"] for number, one in new["hazards"].items()} == {
        "2026-3001-H1": "done", "2026-3009-H1": "not done",
    }  # fmt: skip
    assert {number for sort in new for number, one in new[sort].items() if one.get("trial")} == {
        "2026-1190", "2026-3009", "2026-3009-H1",
    }  # fmt: skip
    accepted = {"state": "accepted", "procedures": ["indoor_hold"], "ledger": {"size": 1}}
    of_1_0 = {"type": "gashub.order.v1", "subject": "N", "data": accepted}
    assert concluded([of_1_0])["orders"]["N"] == {"state": "accepted", "done": "unknown"}


@pytest.mark.parametrize(
    ("later", "done"),
    [
        ({"verdict": "FAIL", "outcome": "anomaly"}, "done"),
        ({"verdict": "INCONCLUSIVE", "outcome": "invalid"}, "not done"),
        ({"verdict": "ABORTED"}, "not done"),
    ],
)
def test_a_screen_is_done_by_what_it_found(later: dict[str, str], done: str) -> None:
    """By its newest verdict, whatever the one before was."""
    test = {"id": "T", "step": "s", "procedure": "laser_screen"}
    events = [
        {"type": "gashub.order.v1", "data": {"state": "accepted", "tests": [test]}},
        *(
            {"type": "gashub.verdict.v1", "data": {"test": "T", "verdict": verdict}}
            for verdict in ({"verdict": "PASS", "outcome": "no_anomaly"}, later)
        ),
    ]
    for size, event in enumerate(events):
        event["subject"] = "N"
        event["data"]["ledger"] = {"size": size}
    order = concluded(events[::-1])["orders"]["N"]
    assert (order["done"], order["tests"]["T"]["success"]) == (done, False)


# -- vectors


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_python_sample_says_of_each_vector_what_it_must(vector: dict[str, object]) -> None:
    body, secret = str(vector["body"]).encode(), str(vector["secret"])

    assert verify(vector["headers"], body, secret, int(str(vector["now"]))) == vector["accept"]


def test_the_vectors_are_those_of_the_sink() -> None:
    """The good one is what the crm sink would send; and there are as many bad ones as good."""
    from plugins.crm.signature import key_of, signature  # noqa: PLC0415

    good = VECTORS[0]
    headers = good["headers"]
    made = signature(
        [key_of(SECRET)], headers["webhook-id"], int(headers["webhook-timestamp"]),
        good["body"].encode(),
    )  # fmt: skip
    assert made == headers["webhook-signature"]
    assert sum(not vector["accept"] for vector in VECTORS) >= 8


# -- receivers


@pytest.mark.timeout(180)
def test_the_python_receiver_passes_every_check_and_keeps_over_a_kill(
    kit: Path, tmp_path: Path
) -> None:
    file = str(tmp_path / "events.db")
    command = [sys.executable, "-I", str(kit / "receivers/receiver.py"), "0", SECRET, file]
    for _ in range(2):  # the second time it finds what it kept
        with running(command) as url:
            told = checked(kit, url)
            assert told.returncode == 0, told.stdout
            assert told.stdout.endswith("0 wrong\n")


@pytest.fixture(scope="module")
def java(kit: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """`.ci/run` installs a JDK where there is none."""
    folder = str(tmp_path_factory.mktemp("java"))
    source = str(kit / "receivers/Receiver.java")
    subprocess.run(["javac", "-Xlint:all", "-Werror", "-d", folder, source], check=True)
    return ["java", "-cp", folder, "Receiver"]


@pytest.fixture(scope="module")
def csharp(kit: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """By mono, which `.ci/run` installs where there is none."""
    program = str(tmp_path_factory.mktemp("csharp") / "Receiver.exe")
    source = str(kit / "receivers/Receiver.cs")
    subprocess.run(["mcs", "-warnaserror", f"-out:{program}", source], check=True)
    return ["mono", program]


@pytest.mark.timeout(300)
def test_the_java_receiver_compiles_and_passes_every_check(java: list[str], kit: Path) -> None:
    file = str(kit.parent / "java.txt")
    with running([*java, "0", SECRET, file]) as url:
        told = checked(kit, url)
    assert told.returncode == 0, told.stdout


@pytest.mark.timeout(300)
def test_the_csharp_receiver_compiles_and_passes_every_check(csharp: list[str], kit: Path) -> None:
    file = str(kit.parent / "csharp.txt")
    with running([*csharp, str(free_port()), SECRET, file]) as url:
        told = checked(kit, url)
    assert told.returncode == 0, told.stdout


TORN = [
    b"k-9\te30",  # base64 that would be whole
    b"k-",  # in the middle of a key
    b"k-9\t",
    b"k-9\te30\x00\xff",
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("which", ["java", "csharp"])
def test_a_torn_last_line_costs_no_event_that_was_acknowledged(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Power goes while a line is written: it was not acknowledged, and the next one stands whole.

    What was taken before and after has the same receipts for good.
    """
    command, file, receipts = request.getfixturevalue(which), tmp_path / "events.txt", {}
    for at, torn in enumerate([b"", *TORN, b"no line of ours\nk-9\t?\n"]):
        with file.open("ab") as kept:
            kept.write(torn)
        port = str(free_port()) if which == "csharp" else "0"
        with running([*command, port, SECRET, str(file)]) as url:
            for key, receipt in receipts.items():
                assert sent(url, b"{}", key) == receipt
            receipts[f"k-{at}x"] = sent(url, b"{}", f"k-{at}x")
            if not torn.endswith(b"\n"):
                lines = file.read_bytes()
                assert lines.endswith(b"\n")
                assert [line.count(b"\t") for line in lines.splitlines()] == [1] * len(receipts)
    assert len(set(receipts.values())) == len(receipts)


@pytest.mark.timeout(180)
def test_a_torn_journal_costs_the_python_receiver_no_event(kit: Path, tmp_path: Path) -> None:
    """Killed without a word, and with half of a write behind the last one."""
    file = tmp_path / "events.db"
    command = [sys.executable, "-I", str(kit / "receivers/receiver.py"), "0", SECRET, str(file)]
    receipts: dict[str, str] = {}
    for at in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            for key, receipt in receipts.items():
                assert sent(url, b"{}", key) == receipt
            receipts[f"k-{at}"] = sent(url, b"{}", f"k-{at}")
            process.send_signal(signal.SIGKILL)
        with Path(f"{file}-wal").open("ab") as journal:
            journal.write(b"\x00\x01half of a frame")
    assert len(set(receipts.values())) == 3


@pytest.mark.timeout(300)
@pytest.mark.parametrize("which", ["python", "java", "csharp"])
def test_a_receiver_that_cannot_start_says_how(
    which: str, request: pytest.FixtureRequest, kit: Path, tmp_path: Path
) -> None:
    """Exit 2 in few lines, no stack trace: no words, no secret, an empty key, a wrong port."""
    python = [sys.executable, "-I", str(kit / "receivers/receiver.py")]
    command = python if which == "python" else request.getfixturevalue(which)
    file = str(tmp_path / "events")
    for words in (
        [], ["1", SECRET], ["8801", "hunter2", file], ["8801", "whsec_", file],
        ["8801", "whsec_!!!!", file], ["x", SECRET, file], ["8801", SECRET, f"{tmp_path}/a/b/c"],
    ):  # fmt: skip
        told = subprocess.run(
            [*command, *words], capture_output=True, text=True, check=False, timeout=60
        )
        assert (told.returncode, told.stdout) == (2, ""), words
        assert 0 < len(told.stderr.splitlines()) <= 10, told.stderr
        assert "PORT SECRET FILE" in told.stderr or "cannot start" in told.stderr
        assert "hunter2" not in told.stderr


# -- the checker


class _Right(BaseHTTPRequestHandler):
    """A receiver as the contract has it; those below differ in one thing each."""

    kept: dict[str, str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        key = self.headers["webhook-id"] or ""
        if not self.trusts(key, body):
            self.say(401, {})
            return
        try:
            json.loads(body)
        except ValueError:
            self.say(400, {})
            return
        known = key in self.kept
        self.answer(key, self.kept.setdefault(key, f"R-{len(self.kept)}"), known=known)

    def trusts(self, key: str, body: bytes) -> bool:
        del key
        return verify(self.headers, body, SECRET, time.time())

    def signed(self, body: bytes) -> bool:
        """As verified by whoever does not look at idempotency-key."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = {**headers, "idempotency-key": headers.get("webhook-id", "")}
        return verify(seen, body, SECRET, time.time())

    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        del key, known
        self.say(200, {"receipt": receipt})

    def say(self, status: int, said: dict[str, str], **headers: str) -> None:
        body = b"" if status == 204 else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


class _ByHeader(_Right):
    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        del key, known
        self.say(204, {}, webhook_receipt=receipt)


class _Conflicts(_Right):
    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        self.say(*(409, {"key": key}) if known else (200, {"id": receipt}))


class _ConflictsByHeader(_Right):
    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        if known:
            self.say(409, {}, idempotency_key=key)
        else:
            self.say(200, {"id": receipt})


class _LooksAtTheKey(_Right):
    """It is the event's id, `-`, and a name; and it asks for a token."""

    def trusts(self, key: str, body: bytes) -> bool:
        whole = not body.startswith(b'{"data"') or key.startswith(f"{json.loads(body)['id']}-")
        return super().trusts(key, body) and whole and self.headers["authorization"] == "Bearer t-1"


class _ById(_Right):
    """It looks events up by what is signed, and does not look at the other header."""

    def trusts(self, key: str, body: bytes) -> bool:
        return self.signed(body)


class _Careless(_Right):
    """Takes everything, checks nothing, and counts each request anew."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.kept[str(len(self.kept))] = ""
        self.say(200, {"receipt": str(len(self.kept))})


class _KeepsNothing(_Right):
    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        self.say(200, {"receipt": "OK"})


class _Redirects(_Right):
    def do_GET(self) -> None:
        self.say(200, {"receipt": "1"})

    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        self.say(303, {}, location="/elsewhere")


class _Replayed(_Right):
    """Verifies one header and looks up the other."""

    def trusts(self, key: str, body: bytes) -> bool:
        return self.signed(body)

    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        key = self.headers["idempotency-key"]
        self.say(200, {"receipt": self.kept.setdefault(f"i {key}", f"I-{len(self.kept)}")})


class _Huge(_Right):
    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        self.say(200, {"receipt": receipt, "more": "x" * 70_000})


class _Forgets(_Right):
    """Knows the last twenty only."""

    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        while len(self.kept) > 20:
            del self.kept[next(iter(self.kept))]
        self.say(200, {"receipt": key})
        self.kept[key] = key

    def say(self, status: int, said: dict[str, str], **headers: str) -> None:
        super().say(status, {**said, "receipt": f"{len(self.kept)}"}, **headers)


class _Signs(_Right):
    """Verifies in its own way; those below are wrong in one thing each."""

    tolerance_s, versions, bytes_ = 300, ("v1",), 32

    def trusts(self, key: str, body: bytes) -> bool:
        at = self.headers["webhook-timestamp"]
        if len(at) > 15 or abs(time.time() - int(at)) > self.tolerance_s:
            return False
        if self.headers["idempotency-key"] != key:
            return False
        mac = hmac.digest(key_of(SECRET), f"{key}.{at}.".encode() + body, "sha256")
        given = [one.partition(",") for one in (self.headers["webhook-signature"] or "").split()]
        return self.enough([(version, decoded(text)) for version, _, text in given], mac)

    def enough(self, given: list[tuple[str, bytes]], mac: bytes) -> bool:
        return any(
            version in self.versions and one[: self.bytes_] == mac[: self.bytes_]
            for version, one in given
        )


def decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


class _AnyTwo(_Signs):
    def enough(self, given: list[tuple[str, bytes]], mac: bytes) -> bool:
        return len(given) > 1 or super().enough(given, mac)


class _AnyVersion(_Signs):
    versions = ("v1", "v2")


class _TwoBytes(_Signs):
    bytes_ = 2


class _AlmostAll(_Signs):
    bytes_ = 31


class _Lenient(_Signs):
    tolerance_s = 350


class _Small(_Right):
    """Not more than 64 KiB, however it is signed."""

    def trusts(self, key: str, body: bytes) -> bool:
        return super().trusts(key, body) and len(body) <= 65_536


class _Some(_Right):
    """Keeps the newest keys only; enough of them for all golden events."""

    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        if not known:
            self.kept[key] = receipt = os.urandom(8).hex()
        if len(self.kept) > 200:
            del self.kept[next(iter(self.kept))]
        self.say(200, {"receipt": receipt})


class _Token(_Right):
    def trusts(self, key: str, body: bytes) -> bool:
        return super().trusts(key, body) and self.headers["authorization"] == "Bearer t-1"


class _Parses(_Right):
    """Verifies what it has parsed and written again."""

    def trusts(self, key: str, body: bytes) -> bool:
        try:
            event = json.loads(body)
        except ValueError:
            return super().trusts(key, body)
        again = json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return super().trusts(key, again.encode())


class _Half(_Right):
    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        self.send_response(200)
        self.send_header("content-length", "100")
        self.end_headers()
        self.wfile.write(b'{"receipt": "1"}')
        self.close_connection = True


class _Drips(_Right):
    def answer(self, key: str, receipt: str, *, known: bool) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(40):
            self.wfile.write(b" ")
            threading.Event().wait(0.05)


@contextmanager
def serving(handler: type[_Right]) -> Iterator[str]:
    own = type("Own", (handler,), {"kept": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), own)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("handler", [_Right, _ByHeader, _Conflicts, _ConflictsByHeader, _ById])
def test_the_checker_takes_whatever_the_contract_takes(kit: Path, handler: type[_Right]) -> None:
    with serving(handler) as url:
        assert checked(kit, url).stdout.endswith("\n0 wrong\n")


def test_the_checker_sends_a_token_and_keys_as_a_gateway_does(kit: Path) -> None:
    with serving(_LooksAtTheKey) as url:
        assert wrong(checked(kit, url, SECRET, "--token", "t-1")) == []
        assert wrong(checked(kit, url)) == ["takes 1.0.0/verdict-fail"]


@pytest.mark.parametrize(
    ("handler", "finds"),
    [
        (_KeepsNothing, ["gives each event a receipt of its own"]),
        (_Replayed, ["refuses a known event under a new idempotency-key"]),
        (_Parses, ["refuses a changed body"]),
        (_Redirects, ["takes 1.1.0/verdict-pass"]),
        (_Huge, ["takes 1.1.0/verdict-pass"]),
        (_Half, ["takes 1.1.0/verdict-pass"]),
        (_Forgets, ["still knows 1.0.0/verdict-fail"]),
        (_Some, ["still knows 1.0.0/verdict-fail"]),
        (_Small, ["takes an event of 1 MiB"]),
        (_AnyTwo, ["refuses two signatures, of which none is yours"]),
        (_AnyVersion, ["refuses a version of signature that it cannot know"]),
        (_TwoBytes, [
            "refuses a signature with its last bit changed",
            "refuses a signature with a bit of its middle changed",
        ]),
        (_AlmostAll, ["refuses a signature with its last bit changed"]),
        (_Lenient, ["refuses a signature of 310 s ago", "refuses a signature of in 310 s"]),
    ],
)  # fmt: skip
def test_the_checker_finds_what_is_wrong(
    kit: Path, handler: type[_Right], finds: list[str]
) -> None:
    with serving(handler) as url:
        told = checked(kit, url)
    assert told.returncode == 1
    assert set(finds) <= set(wrong(told)), told.stdout
    if handler in (_KeepsNothing, _Replayed, _Parses, _Small) or issubclass(handler, _Signs):
        assert wrong(told) == finds


def test_the_checker_finds_who_does_not_look_at_the_token(kit: Path) -> None:
    with serving(_Token) as url:
        assert wrong(checked(kit, url, SECRET, "--token", "t-1")) == []
    with serving(_Signs) as url:
        assert wrong(checked(kit, url, SECRET, "--token", "t-1")) == [
            "refuses another token in place of the token",
            "refuses none in place of the token",
        ]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("keeps", [True, False])
def test_the_checker_finds_what_a_restart_has_lost(
    kit: Path, tmp_path: Path, *, keeps: bool
) -> None:
    """It waits for the receiver to be killed and started again, and asks for what it took."""
    port, file = str(free_port()), tmp_path / "events.db"
    receiver = [sys.executable, "-I", str(kit / "receivers/receiver.py"), port, SECRET, str(file)]
    command = [
        sys.executable, "-I", str(kit / "check.py"), f"http://127.0.0.1:{port}/", SECRET,
        "--restart",
    ]  # fmt: skip
    told = []
    with running(receiver):
        check = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
        assert check.stdout is not None
        for line in check.stdout:
            told.append(line)
            if line.startswith("kill the receiver"):
                break
    assert [line for line in told if line.startswith("WRONG")] == []
    if not keeps:
        for one in tmp_path.iterdir():
            one.unlink()
    with running(receiver):
        rest, _ = check.communicate("\n", timeout=60)
    assert rest.endswith(f"{0 if keeps else 5} wrong\n"), rest
    assert rest.count("knows after a restart") == 5
    assert check.returncode == (0 if keeps else 1)


def test_the_checker_asks_for_a_whole_answer_in_time(kit: Path) -> None:
    """From the first byte to the last; it does not wait for a receiver that never ends."""
    text = (kit / "check.py").read_text(encoding="utf-8")
    (kit / "hasty.py").write_text(text.replace("WITHIN_S = 15\n", "WITHIN_S = 1\n"))
    with serving(_Drips) as url:
        told = checked(kit, url, program="hasty.py")
    (kit / "hasty.py").unlink()
    assert wrong(told)[-1] == "goes on answering"
    assert "no whole answer within 1 s, 3 times running" in told.stdout


def test_a_wrong_secret_is_one_question_and_not_a_hundred_faults(kit: Path) -> None:
    with serving(_Right) as url:
        told = checked(kit, url, "whsec_" + "B" * 32)
    assert wrong(told) == ["takes 1.0.0/verdict-fail"]
    assert "is it the same secret" in told.stdout


def test_a_golden_file_that_is_none_is_named(kit: Path, tmp_path: Path) -> None:
    golden = tmp_path / "golden"
    shutil.copytree(kit / "golden", golden)
    for text in ("{", "[]", '{"id": 1, "data": {}}'):
        (golden / "1.0.0" / "verdict-pass.json").write_text(text)
        told = checked(kit, "http://127.0.0.1:9/", SECRET, str(golden))
        assert (told.returncode, told.stdout) == (2, "")
        assert "verdict-pass.json is no golden event" in told.stderr
        assert "Traceback" not in told.stderr


def test_a_closed_pipe_is_no_fault_of_the_checker(kit: Path) -> None:
    with serving(_Right) as url:
        command = f"{sys.executable} -I {kit}/check.py {url} {SECRET} | head -1"
        told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert told.stdout.count("\n") == 1
    assert told.stderr == ""


def test_the_checker_finds_a_receiver_that_checks_nothing(kit: Path) -> None:
    """A check that lets everything pass would be worth nothing."""
    with serving(_Careless) as url:
        told = checked(kit, url)

    assert told.returncode == 1
    for what in ("again as the same", "another secret", "changed body", "310 s", "no JSON"):
        assert any(what in line for line in told.stdout.splitlines() if "WRONG" in line), what


def test_the_mock_receiver_of_the_kit_can_be_made_to_misbehave(kit: Path, tmp_path: Path) -> None:
    """As a process, without the hub; the checker sees the fault that was switched on."""
    command = [
        sys.executable, "-I", str(kit / "mock_receiver.py"), "--file", str(tmp_path / "crm.jsonl"),
    ]  # fmt: skip
    with running(command) as line:
        told = checked(kit, json.loads(line)["url"])
    assert "ok     takes 1.1.0/verdict-pass again as the same" in told.stdout
    assert "WRONG  refuses another secret" in told.stdout
    with Receiver(tmp_path / "other.jsonl") as mock:
        mock.faults.page = "<html>"
        assert "WRONG  takes 1.1.0/verdict-pass\n" in checked(kit, mock.url).stdout


def test_the_mock_receiver_says_what_is_switched_on(kit: Path, tmp_path: Path) -> None:
    """All of it or nothing; and the answer is whole whatever is switched on."""
    http = urllib3.PoolManager()
    with Receiver(tmp_path / "crm.jsonl") as mock:
        url = mock.url.replace("/events", "/faults")

        def switch(body: str) -> tuple[int, Any]:
            answer = http.request("POST", url, body=body, timeout=5)
            return answer.status, answer.json()

        status, said = switch('{"drip": true, "page": "<html>", "cut": 1}')
        assert (status, said["drip"], said["page"], said["answers"]) == (200, True, "<html>", [])
        assert switch('{"cut": 0, "nonsense": 1}')[0] == 400
        assert switch('{"cut": 0, "drip": "no"}') == (400, {"code": "wrong_value", "name": "drip"})
        for body in ("[1", "[]", "null", "1", "[" * 5000):
            assert switch(body) == (400, {"code": "not_an_object"})
        for name, values in {
            "cut": ("5", "-0.1", "true", '"0"', "NaN", "null"), "delay_s": ("true", "-1", "1e9"),
            "answers": ('["x"]', "[99]", "[600]", "[true]", "[200.0]", "503"),
            "answer_orders": ('{"N": "x"}', '{"N": 99}', "[]"), "headers": ('{"a": 1}', "[]"),
            "drip": ("1",), "conflict_on_repeat": ("0",), "page": ("null",),
        }.items():  # fmt: skip
            for value in values:
                found = switch(f'{{"cut": 0, "{name}": {value}}}')
                assert found == (400, {"code": "wrong_value", "name": name}), value
        assert (mock.faults.cut, mock.faults.drip) == (1, True)


def test_the_python_of_the_kit_runs_on_old_ones(kit: Path) -> None:
    """3.9, as the guides say: nothing newer in its syntax."""
    for path in kit.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    old = shutil.which("python3.9")
    if old and subprocess.run([old, "-c", ""], capture_output=True, check=False).returncode == 0:
        for name in ("mock_receiver.py", "check.py", "receivers/receiver.py"):
            words = [old, "-I", str(kit / name), *(["--help"] if name[0] == "m" else [])]
            told = subprocess.run(words, capture_output=True, text=True, check=False)
            assert "Traceback" not in told.stderr
