"""`gashub probe`: finds every instrument we have, by reading alone, and says only what it knows."""

import json
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hub import crc16_modbus
from hub.model import LineDriverKind
from hub.probe.search import tries
from hub.registry import built_in_plugins, import_plugin
from hub.samples import kinds_of
from hub.testing import PtyPair, wait_until
from tests.line_rig import GASHUB, Site, gashub, hd402, hd402_answer, laser_line
from tests.test_frames import LASER, shining

SERIAL = [
    name
    for name in built_in_plugins()
    if any(isinstance(kind, LineDriverKind) for kind in kinds_of(import_plugin(name)))
]
FACTS = {"modbus": "profile=delta_ohm_hd402st address=1"}


@pytest.fixture
def cable() -> Iterator[PtyPair]:
    with PtyPair() as pair:
        yield pair


@contextmanager
def simulated(plugin: str, folder: Path) -> Iterator[str]:
    """A simulator of *plugin* in a process of its own; the path of its port."""
    link = folder / "port"
    facts = ["--instrument", FACTS[plugin]] if plugin in FACTS else []
    command = [*GASHUB, "simulate", plugin, "--port-link", str(link), *facts]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(link.exists, "the simulator has a port")
        yield str(link)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def probe(port: str, *options: str, code: int = 0) -> dict[str, Any]:
    said = gashub("probe", port, "--json", *options)
    assert said.returncode == code, said.stdout + said.stderr
    told: dict[str, Any] = json.loads(said.stdout)
    return told


@pytest.mark.parametrize("plugin", SERIAL)
def test_every_simulated_instrument_is_found_and_its_block_can_be_pasted(
    plugin: str, tmp_path: Path
) -> None:
    """With what is not proved taken in by hand, `gashub check` takes the block as it stands."""
    streams = any(group[0].probe.sends == "nothing" for group in tries([plugin], {}))
    with simulated(plugin, tmp_path) as port:
        told = probe(port, "--seconds", "2.5" if streams else "0.2")
    found = {one["kind"]: one for one in told["found"]}
    assert plugin in found, told
    one = found[plugin]
    assert one["readings"]
    block = one["config"]
    for name in one["unproved"]:
        assert f"\n# {name} = " in block
        assert f"\n{name} = " not in block
        block = block.replace(f"\n# {name} = ", f"\n{name} = ")
    assert tomllib.loads(block)["line"][0]["instrument"][0]["kind"] == plugin
    checked = gashub("check", str(Site(tmp_path, [plugin], block).config))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("plugin", SERIAL)
def test_every_serial_driver_can_be_found(plugin: str) -> None:
    """It offers a probe, and its settings fit its kind."""
    skipped: dict[str, str] = {}
    offered = [one for group in tries([plugin], skipped) for one in group]
    assert offered
    assert skipped == {}


def test_listening_comes_first_and_plain_requests_last() -> None:
    """A driver that would send in its listening try is found out by the port it is given."""
    groups = [group[0].probe.sends for group in tries(built_in_plugins(), {})]
    assert groups == sorted(groups, key=["nothing", "checked", "plain"].index)
    assert set(groups) == {"nothing", "checked", "plain"}


def test_a_port_setting_is_tried_once_for_all_kinds() -> None:
    groups = [(group[0].probe.sends, group[0].speed) for group in tries(built_in_plugins(), {})]
    assert len(groups) == len(set(groups))


def test_an_instrument_that_sends_by_itself_is_never_spoken_to(cable: PtyPair) -> None:
    with shining(cable, [laser_line()]):
        told = probe(cable.path, "--seconds", "1")
        assert cable.hear(0.1) == b""
    (found,) = told["found"]
    assert (found["kind"], found["serial"]) == ("boreal", "CH4AB-1047")
    assert found["readings"] == [
        {"quantity": "gas_path", "value": "7.2", "unit": "ppm.m", "quality": "good"}
    ]
    assert all(tried["sent"] == [] for tried in told["tried"])


def test_what_is_said_to_have_been_sent_is_all_that_was_sent(cable: PtyPair) -> None:
    """Every byte on the wire is a request of a driver, told in the report."""
    heard = bytearray()

    def silent(request: bytes) -> Sequence[bytes]:
        heard.extend(request)
        return ()

    with cable.answering(silent):
        told = probe(cable.path, "--seconds", "0.1", code=1)
        wait_until(lambda: len(heard) > 0, "something was sent")
    sent = b"".join(bytes.fromhex(one) for tried in told["tried"] for one in tried["sent"])
    assert bytes(heard) == sent
    assert {tried["kind"] for tried in told["tried"]} == {
        kind.name
        for name in SERIAL
        for kind in kinds_of(import_plugin(name))
        if isinstance(kind, LineDriverKind)
    }


def test_nobody_is_spoken_to_in_other_words_once_one_has_answered(cable: PtyPair) -> None:
    """A pressure transmitter does not get to hear the plain questions that come after."""
    with cable.answering(hd402):
        told = probe(cable.path, "--seconds", "0.1")
    assert {"modbus"} == {found["kind"] for found in told["found"]}
    assert not {"fluke_val", "crystal_xp2i", "const_additel"} & {
        tried["kind"] for tried in told["tried"]
    }


def test_registers_do_not_prove_a_model(cable: PtyPair) -> None:
    """The profile is there to be looked at, not to be run."""
    with cable.answering(hd402):
        said = gashub("probe", cable.path, "--seconds", "0.1")
    assert "(if profile below is right)" in said.stdout
    assert '\n# profile = "' in said.stdout


def test_a_slave_that_refuses_every_profile_is_no_find_but_is_told(cable: PtyPair) -> None:
    def refusing(heard: bytes) -> Sequence[bytes]:
        if heard[-2:] != crc16_modbus(heard[:-2]):
            return ()
        body = bytes((heard[0], heard[1] | 0x80, 2))
        return (body + crc16_modbus(body),)

    with cable.answering(refusing):
        told = probe(cable.path, "--plugin", "modbus", "--seconds", "0.1", code=1)
    assert told["found"] == []
    assert "modbus_illegal_data_address" in told["spoke"][0]["said"]


def test_another_address_is_asked_when_it_is_given(cable: PtyPair) -> None:
    def seventh(heard: bytes) -> Sequence[bytes]:
        return (hd402_answer(heard),) if heard[0] == 7 else ()

    with cable.answering(seventh):
        nobody = probe(cable.path, "--plugin", "modbus", "--seconds", "0.1", code=1)
        told = probe(cable.path, "--plugin", "modbus", "--address", "7", "--seconds", "0.1")
    assert nobody["found"] == []
    assert "\naddress = 7\n" in told["found"][0]["config"]


def test_given_speeds_are_the_only_ones(cable: PtyPair) -> None:
    told = probe(cable.path, "--baud", "2400", "--seconds", "0.1", "--plugin", "keller", code=1)
    assert {tried["line"]["baud"] for tried in told["tried"]} == {2400}


def test_bytes_that_nobody_understands_are_shown_and_nothing_is_asked_into_them(
    cable: PtyPair,
) -> None:
    """It may be a line that has its master: a second one would disturb both."""
    with shining(cable, [b"\x7e\x01\x02\x03\x7e"]):
        told = probe(cable.path, "--seconds", "0.3", code=1)
        assert cable.hear(0.1) == b""
        said = gashub("probe", cable.path, "--seconds", "0.3")
    assert told["not_understood"][0]["heard"].startswith("7e 01 02 03 7e")
    assert all(tried["sent"] == [] for tried in told["tried"])
    assert "bytes that no driver reads" in said.stdout
    assert "nothing is asked" in said.stderr
    assert said.returncode == 1


def test_a_boot_message_does_not_keep_it_from_asking(cable: PtyPair) -> None:
    """Opening a port may reset what is behind it; only who sends all the time is left alone."""
    never = threading.Event()

    def boot() -> None:
        wait_until(cable.opened, "the port is open")
        never.wait(0.05)  # what comes while it opens is thrown away
        cable.send(b"=READY=\r")

    booting = threading.Thread(target=boot)
    with cable.answering(hd402):
        booting.start()
        told = probe(cable.path, "--plugin", "modbus", "--plugin", "boreal", "--seconds", "0.3")
        booting.join()
    assert told["found"]


def test_it_asks_into_noise_when_told_to(cable: PtyPair) -> None:
    with shining(cable, [b"\x7e"]):
        told = probe(
            cable.path, "--ask", "--seconds", "0.3", "--plugin", "boreal", "--plugin", "keller",
            code=1,
        )  # fmt: skip
    assert any(tried["sent"] for tried in told["tried"])


def test_a_silent_port_ends_with_what_to_look_at(cable: PtyPair) -> None:
    said = gashub("probe", cable.path, "--seconds", "0.1", "--plugin", "boreal")
    assert said.returncode == 1
    assert "nobody answers" in said.stdout
    assert "swap A and B" in said.stdout


def test_a_port_of_the_running_hub_is_refused_with_line_and_pid(
    tmp_path: Path, cable: PtyPair
) -> None:
    """And the hub does not notice."""
    with (
        shining(cable, [laser_line()]),
        Site(tmp_path, ["boreal"], LASER.format(port=cable.path)) as site,
    ):
        site.start()
        wait_until(lambda: site.readings() > 0, "the hub reads")
        said = site.cli("probe", cable.path)
        without_config = gashub("probe", cable.path)
        before = site.readings()
        wait_until(lambda: site.readings() > before + 3, "the hub goes on")
        assert site.process is not None
        pid = site.process.pid
        assert "port_lost" not in site.log()

    assert said.returncode == 2
    assert f"the running hub (pid {pid}) has it as line beam" in said.stderr
    assert without_config.returncode == 2
    assert f"pid {pid}" in without_config.stderr


def test_a_missing_port_is_refused_in_one_line(tmp_path: Path) -> None:
    said = gashub("probe", str(tmp_path / "ttyNONE"))
    assert said.returncode == 2
    assert "no such device" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_plugin_that_cannot_be_loaded_costs_itself_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are tried, and it is named."""
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "__init__.py").write_text("")
    (tmp_path / "acme" / "gauge.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    skipped: dict[str, str] = {}
    groups = list(tries(["acme.gauge", "boreal"], skipped))
    assert {one.plugin for group in groups for one in group} == {"boreal"}
    assert "ZeroDivisionError" in skipped["acme.gauge"]
    sys.modules.pop("acme", None)
