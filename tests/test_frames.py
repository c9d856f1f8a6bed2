"""`gashub frames`: what is shown is what passed, and what was recorded plays back alike."""

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from hub.clock import HandClock, iso
from hub.frames.capture import load
from hub.frames.commands import rows
from hub.frames.playback import play
from hub.golden import golden_cases, replay_golden
from hub.ledger import LedgerReader
from hub.registry import Registry
from hub.simulate.mosquitto import Mosquitto
from hub.testing import PtyPair, wait_until
from tests.line_rig import GASHUB, Site, gashub, hd402_answer, json_lines, laser_line
from tests.mqtt_rig import Speaker, body

LASER = """
[[line]]
name = "beam"
port = "{port}"
[[line.instrument]]
name = "laser"
kind = "boreal"
"""
SLAVES = """
[[line]]
name = "riser"
port = "{port}"
baud = 19200
inter_frame_silence_s = 0.001
[[line.instrument]]
name = "pm-1"
kind = "modbus"
address = 1
profile = "delta_ohm_hd402st"
poll_every_s = 0.2
answer_within_s = 0.1
[[line.instrument]]
name = "pm-2"
kind = "modbus"
address = 2
profile = "delta_ohm_hd402st"
poll_every_s = 0.2
answer_within_s = 0.1
"""
BROKER = """
[[link]]
name = "field"
kind = "mqtt"
host = "127.0.0.1"
port = {port}
[[link.topics]]
filter = "gas/+"
decoder = "plain_json"
"""


@contextmanager
def shining(cable: PtyPair, parts: Sequence[bytes], every_s: float = 0.05) -> Iterator[None]:
    """Send *parts* in turn, over and over, for as long as somebody listens."""
    stop = threading.Event()

    def play() -> None:
        number = 0
        while not stop.wait(every_s):
            if cable.opened():
                cable.send(parts[number % len(parts)])
                number += 1

    player = threading.Thread(target=play, name="laser")
    player.start()
    try:
        yield
    finally:
        stop.set()
        player.join()


def gauge(heard: bytes) -> Sequence[bytes]:
    """Slave 1 answers in two parts; slave 2 is another instrument."""
    whole = hd402_answer(heard, 10 * heard[0])
    return (whole[:3], whole[3:])


@pytest.fixture
def cable() -> Iterator[PtyPair]:
    with PtyPair() as pair:
        yield pair


def laser_site(folder: Path, cable: PtyPair) -> Site:
    return Site(folder, ["boreal"], LASER.format(port=cable.path))


def slave_site(folder: Path, cable: PtyPair) -> Site:
    return Site(folder, ["modbus"], SLAVES.format(port=cable.path))


# -- tail


def test_tail_shows_the_running_hubs_bytes_both_ways(tmp_path: Path, cable: PtyPair) -> None:
    """Question, answer in its parts, and what became of it; the hub keeps the port."""
    with cable.answering(gauge), slave_site(tmp_path, cable) as site:
        site.start()
        said = site.cli("frames", "tail", "riser", "--count", "12", "--json")
        before = site.readings()
        wait_until(lambda: site.readings() > before, "the hub goes on reading")

    assert said.returncode == 0, said.stderr
    seen = json_lines(said.stdout)
    asked = [one for one in seen if one["what"] == "hub"]
    assert {one["instrument"] for one in asked} == {"pm-1", "pm-2"}
    first = bytes.fromhex(asked[0]["hex"])
    at = seen.index(asked[0])
    answer = b"".join(bytes.fromhex(one["hex"]) for one in seen[at + 1 : at + 3])
    assert answer == b"".join(gauge(first))
    made = [one["made"][0]["readings"][0] for one in seen if one["what"] == "made"]
    assert {reading["value"] for reading in made} == {"10", "20"}
    times = [one["at_us"] for one in seen]
    assert times == sorted(times)


def test_tail_opens_the_port_itself_where_no_hub_runs(tmp_path: Path, cable: PtyPair) -> None:
    """With the config's driver, so the questions are asked; afterwards the port is free."""
    with cable.answering(gauge):
        said = slave_site(tmp_path, cable).cli("frames", "tail", "riser", "--count", "6")
        assert not cable.opened()

    assert said.returncode == 0, said.stderr
    assert "hub -> pm-1" in said.stdout
    assert "pm-1 -> hub" in said.stdout
    assert "= pm-1 pressure 10 Pa good" in said.stdout
    assert not (tmp_path / "state").exists()


def test_tail_of_a_busy_port_says_who_has_it(tmp_path: Path, cable: PtyPair) -> None:
    hold = "import os,sys; os.open(sys.argv[1], os.O_RDWR|os.O_NOCTTY); print(); sys.stdin.read()"
    holder = subprocess.Popen(
        [GASHUB[0], "-c", hold, cable.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        said = laser_site(tmp_path, cable).cli("frames", "tail", "beam", "--seconds", "1.5")
        holder.kill()

    assert f"pid {holder.pid}" in said.stdout
    assert "beam: port_lost" in said.stdout


def test_tail_tells_a_damaged_message_from_a_good_one(tmp_path: Path, cable: PtyPair) -> None:
    broken = laser_line().replace(b"7.2", b"7.9")
    with shining(cable, [broken]):
        said = laser_site(tmp_path, cable).cli("frames", "tail", "beam", "--count", "3")

    assert "= dropped as bad_frame" in said.stdout
    assert "|$GFDTA,7.9,98,3." in said.stdout


def test_an_unknown_line_is_answered_with_those_there_are(tmp_path: Path, cable: PtyPair) -> None:
    said = laser_site(tmp_path, cable).cli("frames", "tail", "bean")
    assert said.returncode == 2
    assert "no line or link 'bean'; there are: beam" in said.stderr


def test_tail_of_a_link_shows_messages_with_and_without_a_hub(tmp_path: Path) -> None:
    """Without a hub under a client id of its own: the hub's session keeps what is published."""
    with Mosquitto(tmp_path) as broker, Speaker(broker.port) as speaker:
        site = Site(tmp_path, ["mqtt"], BROKER.format(port=broker.port))
        published: list[str] = []
        stop = threading.Event()

        def publish() -> None:
            while not stop.wait(0.02):
                speaker.say(body(len(published)))
                published.append(str(len(published)))

        def recorded() -> list[str]:
            with LedgerReader(site.state) as reader:
                blocks = [block for _, block in reader.blocks(-1, 10**6)]
            return [reading.seq for block in blocks for reading in block.readings]

        talker = threading.Thread(target=publish)
        with site:
            site.start()
            talker.start()
            wait_until(lambda: site.readings() > 0, "the hub reads the link")
            with_hub = site.cli("frames", "tail", "field", "--count", "3", "--json")
            site.stop()
            without = site.cli("frames", "tail", "field", "--count", "3", "--json")
            stop.set()
            talker.join()
            site.start()
            wait_until(lambda: set(published) <= set(recorded()), "nothing was lost")

    for said in (with_hub, without):
        assert said.returncode == 0, said.stderr
        frames = [one for one in json_lines(said.stdout) if one["what"] == "device"]
        assert len(frames) == 3
        assert frames[0]["instrument"] == "field gas/g-1"
        assert json.loads(bytes.fromhex(frames[0]["hex"]))["instrument"] == "g-1"


@pytest.mark.parametrize(
    ("item", "row"),
    [
        (
            {"what": "device", "hex": "24 41 0d 0a", "size": 4, "text": ""},
            "a -> hub                          24 41 0d 0a",
        ),
        ({"what": "notice", "text": "a: port_lost: gone"}, "-- a: port_lost: gone"),
        ({"what": "made", "made": [], "text": "no answer"}, "= nothing: no answer"),
    ],
)
def test_each_thing_seen_is_a_row_for_people(item: dict[str, object], row: str) -> None:
    (text,) = rows({"at_us": 1_790_000_000_123_456, "instrument": "a", **item})
    assert ".123  " in text
    assert " ".join(row.split()) in " ".join(text.split())


def test_a_looker_who_was_too_slow_is_told() -> None:
    (text,) = rows({"what": "dropped", "text": "slow_looker", "count": 12})
    assert text.startswith("-- slow_looker: 12 ")


def test_a_long_message_takes_several_rows() -> None:
    item = {"what": "hub", "hex": bytes(range(40)).hex(" "), "size": 50, "instrument": "a"}
    shown = list(rows({**item, "at_us": 0}))
    assert len(shown) == 4
    assert shown[3].strip() == "and 10 bytes more"


# -- record and replay


def test_a_stream_recorded_from_the_running_hub_plays_back_alike(
    tmp_path: Path, cable: PtyPair
) -> None:
    """Cut anywhere, with noise, broken lines and other sentences between."""
    lines = [laser_line(f"{number / 10}") for number in range(40)]
    stream = b"\xff\x00".join([*lines[:20], b"$GFLCA,1*00\r\n", *lines[20:]]).replace(
        b"3.7", b"3.8"
    )
    parts = [stream[at : at + 37] for at in range(0, len(stream), 37)]
    out = tmp_path / "case"
    with shining(cable, parts, 0.01), laser_site(tmp_path, cable) as site:
        site.start()
        wait_until(lambda: site.readings() > 3, "the hub reads")
        said = site.cli("frames", "record", "beam", "--out", str(out), "--count", "60")
        assert said.returncode == 0, said.stdout + said.stderr
        (case,) = load(out)
        assert case.expected is not None
        assert len(case.expected) > 30
        assert case.source.startswith("gateway gw-test, line beam, ")

        again = gashub("frames", "replay", str(out))
    assert again.returncode == 0, again.stderr
    assert "identical" in again.stdout


def test_a_shared_line_gives_one_case_for_each_instrument(tmp_path: Path, cable: PtyPair) -> None:
    """Silence, a late answer, a wrong CRC and another slave's answer included."""
    turns = iter(range(10_000))

    def misbehaving(heard: bytes) -> Sequence[bytes]:
        whole = hd402_answer(heard, 10 * heard[0])
        match next(turns) % 7:
            case 2:
                return ()
            case 3:
                return (whole[:-1] + b"\0",)
            case 4:
                threading.Event().wait(0.12)  # past answer_within_s: thrown away unread
                return (whole,)
            case 5:
                return (hd402_answer(bytes((heard[0] ^ 3, *heard[1:])), 99),)
        return (whole[:4], whole[4:])

    out = tmp_path / "case"
    with cable.answering(misbehaving), slave_site(tmp_path, cable) as site:
        site.start()
        wait_until(lambda: site.readings() > 3, "the hub reads")
        said = site.cli("frames", "record", "riser", "--out", str(out), "--count", "30")

    assert said.returncode == 0, said.stdout + said.stderr
    cases = {case.name: case for case in load(out)}
    assert set(cases) == {"pm-1", "pm-2"}
    for name, value in (("pm-1", "10"), ("pm-2", "20")):
        expected = cases[name].expected
        assert expected
        assert {facts["value"] for facts in expected} == {value}
        kept = {"baud": 19200, "inter_frame_silence_s": Decimal("0.001")}
        assert kept.items() <= cases[name].line.items()


def test_recording_works_without_a_hub(tmp_path: Path, cable: PtyPair) -> None:
    out = tmp_path / "case"
    with shining(cable, [laser_line()]):
        said = laser_site(tmp_path, cable).cli(
            "frames", "record", "beam", "--out", str(out), "--seconds", "1.5"
        )
    assert said.returncode == 0, said.stdout + said.stderr
    (case,) = load(out)
    assert case.expected


def test_a_line_without_a_usable_message_becomes_a_case_that_is_refused(
    tmp_path: Path, cable: PtyPair
) -> None:
    """What reads as nothing in the field must read as nothing in the test."""
    out = tmp_path / "case"
    with shining(cable, [laser_line().replace(b"7.2", b"7.9")]):
        said = laser_site(tmp_path, cable).cli(
            "frames", "record", "beam", "--out", str(out), "--count", "5"
        )
    assert said.returncode == 0, said.stdout + said.stderr
    (case,) = load(out)
    assert case.expected is None
    assert case.refused == "no reading came of it: bad_frame"


def recorded(tmp_path: Path, cable: PtyPair) -> Path:
    out = tmp_path / "case"
    with cable.answering(gauge):
        slave_site(tmp_path, cable).cli(
            "frames", "record", "riser", "--out", str(out), "--count", "6"
        )
    return out


def test_a_changed_byte_or_a_changed_expectation_is_not_identical(
    tmp_path: Path, cable: PtyPair
) -> None:
    """Exit 1, with the case, the reading and the field."""
    out = recorded(tmp_path, cable)
    path = out / "case.json"
    whole = path.read_text()

    path.write_text(whole.replace('"value": "10"', '"value": "11"', 1))
    said = gashub("frames", "replay", str(out))
    assert said.returncode == 1
    assert "reading 1: value is '10', expected '11'" in said.stdout

    cases = json.loads(whole)
    answer = next(item for item in cases[0]["exchange"] if "device" in item)
    answer["device"] = "00" + answer["device"][2:]
    path.write_text(json.dumps(cases))
    said = gashub("frames", "replay", str(out))
    assert said.returncode == 1
    assert "NOT identical" in said.stdout


def test_a_driver_that_asks_something_else_is_named(tmp_path: Path, cable: PtyPair) -> None:
    """Both requests are shown, in hex."""
    out = recorded(tmp_path, cable)
    path = out / "case.json"
    cases = json.loads(path.read_text())
    cases[0]["settings"]["address"] = 3
    path.write_text(json.dumps(cases[:1]))

    said = gashub("frames", "replay", str(out))
    assert said.returncode == 1
    assert "the driver sends 03 04 " in said.stdout
    assert "then it sent 01 04 " in said.stdout


def test_a_capture_is_a_golden_case_as_it_stands(tmp_path: Path, cable: PtyPair) -> None:
    """Copied into a plugin's golden.json it passes the plugin's own golden test."""
    out = recorded(tmp_path, cable)
    (tmp_path / "golden.json").write_text((out / "case.json").read_text())
    kind = Registry(["modbus"]).drivers["modbus"]
    for case in golden_cases(tmp_path):
        assert case["provenance"] == "capture"
        assert replay_golden(kind, case)  # type: ignore[arg-type]


def test_a_case_is_never_written_over(tmp_path: Path, cable: PtyPair) -> None:
    out = recorded(tmp_path, cable)
    before = (out / "case.json").read_bytes()
    said = slave_site(tmp_path, cable).cli(
        "frames", "record", "riser", "--out", str(out), "--count", "1"
    )
    assert said.returncode == 2
    assert "give another folder" in said.stderr
    assert (out / "case.json").read_bytes() == before


def test_a_silent_line_writes_nothing(tmp_path: Path, cable: PtyPair) -> None:
    out = tmp_path / "case"
    said = laser_site(tmp_path, cable).cli(
        "frames", "record", "beam", "--out", str(out), "--seconds", "0.5"
    )
    assert said.returncode == 2
    assert "nothing passed" in said.stderr
    assert not out.exists()


def test_a_capture_ends_where_the_cable_was_pulled(tmp_path: Path, cable: PtyPair) -> None:
    """What came before is kept; the half message at the end makes no reading."""
    out = tmp_path / "case"
    with laser_site(tmp_path, cable) as site:
        site.start()
        wait_until(cable.opened, "the hub opens the port")
        command = [*GASHUB, "frames", "record", "beam", "--out", str(out)]
        recorder = subprocess.Popen(
            [*command, "--config", str(site.config)], stdout=subprocess.PIPE, text=True
        )
        with recorder:
            assert recorder.stdout is not None
            assert "recording line beam" in recorder.stdout.readline()
            with shining(cable, [laser_line()], 0.02):
                before = site.readings()
                wait_until(lambda: site.readings() > before + 40, "readings")
            cable.send(laser_line()[:20])
            wait_until(lambda: site.readings() > 0, "the half line is read")
            cable.replug()
            assert recorder.wait(30) == 0

    (case,) = load(out)
    assert case.expected
    assert case.exchange[-1].who == "device"


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", '[{"id": "x"}]', "\x00"])
def test_a_file_that_is_no_case_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "case.json").write_text(text)
    said = gashub("frames", "replay", str(tmp_path))
    assert said.returncode == 2
    assert "Traceback" not in said.stderr
    assert "case.json" in said.stderr


GOLDEN = [
    (folder.name, case["id"])
    for folder in sorted((Path(__file__).parent.parent / "plugins").iterdir())
    if (folder / "golden.json").is_file() and (folder / "__init__.py").is_file()
    for case in json.loads((folder / "golden.json").read_text())
    if {"hub", "device", "hub_text", "device_text"} & set(case.get("exchange", [{}])[0])
]


@pytest.mark.parametrize(("plugin", "id"), GOLDEN)
def test_playback_gives_what_the_golden_test_gives(plugin: str, id: str, tmp_path: Path) -> None:
    """Two ways to play an exchange, written apart, agree on every golden case of every driver."""
    folder = Path(__file__).parent.parent / "plugins" / plugin
    kind = Registry([plugin]).drivers[plugin]
    given = next(case for case in golden_cases(folder) if case["id"] == id)
    expected = [
        reading
        for intake in replay_golden(kind, given)
        for reading in intake.readings  # type: ignore[arg-type]
    ]
    started = iso(HandClock().now_us())
    known = {"name": "golden", "plugin": plugin, "kind": plugin, "line": {}, "settings": {}}
    text = json.dumps([{**known, **given, "started": started}], default=str)
    (tmp_path / "case.json").write_text(text, encoding="utf-8")
    (case,) = load(tmp_path)
    assert play(kind, case).readings == expected  # type: ignore[arg-type]
