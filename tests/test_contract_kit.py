"""The kit is enough: its receivers run, verify and keep; its checker tells good from bad."""

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hub.cli.main import app
from hub.contract.files.receiver import verify
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


def checked(kit: Path, url: str, secret: str = SECRET) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(kit / "check.py"), url, secret]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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
        "asyncapi.json",
        "openapi.json",
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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["http://127.0.0.1:9/", SECRET], "does the receiver run"),
        (["http://127.0.0.1:9/", "hunter2"], "`check.py secret` makes one"),
        (["http://127.0.0.1:9/", "whsec_***"], "`check.py secret` makes one"),
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


@pytest.mark.timeout(300)
def test_the_java_receiver_compiles_and_passes_every_check(kit: Path, tmp_path: Path) -> None:
    """`.ci/run` installs a JDK where there is none."""
    subprocess.run(
        ["javac", "-Xlint:all", "-Werror", "-d", tmp_path, kit / "receivers/Receiver.java"],
        check=True,
    )
    file = str(tmp_path / "events.txt")
    with running(["java", "-cp", str(tmp_path), "Receiver", "0", SECRET, file]) as url:
        told = checked(kit, url)
    assert told.returncode == 0, told.stdout


@pytest.mark.timeout(300)
def test_the_csharp_receiver_compiles_and_passes_every_check(kit: Path, tmp_path: Path) -> None:
    """By mono, which `.ci/run` installs where there is none."""
    program, port = tmp_path / "Receiver.exe", free_port()
    subprocess.run(
        ["mcs", "-warnaserror", f"-out:{program}", kit / "receivers/Receiver.cs"], check=True
    )
    file = str(tmp_path / "events.txt")
    with running(["mono", str(program), str(port), SECRET, file]) as url:
        told = checked(kit, url)
    assert told.returncode == 0, told.stdout


class _Careless(BaseHTTPRequestHandler):
    """Takes everything, checks nothing, and counts each request anew."""

    count = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).count += 1
        body = json.dumps({"receipt": str(self.count)}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def test_the_checker_finds_a_receiver_that_checks_nothing(kit: Path) -> None:
    """A check that lets everything pass would be worth nothing."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Careless)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        told = checked(kit, f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert told.returncode == 1
    for what in ("again as the same", "another secret", "changed body", "six minutes", "no JSON"):
        assert any(what in line for line in told.stdout.splitlines() if "WRONG" in line), what


def test_the_mock_receiver_of_the_kit_can_be_made_to_misbehave(kit: Path, tmp_path: Path) -> None:
    """As a process, without the hub; the checker sees the fault that was switched on."""
    command = [
        sys.executable, "-I", str(kit / "mock_receiver.py"), "--file", str(tmp_path / "crm.jsonl"),
    ]  # fmt: skip
    with running(command) as line:
        told = checked(kit, json.loads(line)["url"])
    assert "ok     takes verdict-pass again as the same" in told.stdout
    assert "WRONG  refuses another secret" in told.stdout
    with Receiver(tmp_path / "other.jsonl") as mock:
        mock.faults.page = "<html>"
        assert "WRONG  takes verdict-pass\n" in checked(kit, mock.url).stdout
