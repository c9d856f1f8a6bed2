"""Ledger to CRM and back over real sockets: every bad answer has a named outcome."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from hub.errors import SinkPaused, SinkUnavailable
from hub.ledger import LedgerReader
from hub.outbox import listing, replay
from hub.simulate.receiver import Receiver, Request, stored
from hub.testing import wait_until
from tests.outbox_rig import SECRET, Rig, crm, deliver, parcel


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "state") as made:
        yield made


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "crm.jsonl") as made:
        yield made


def test_verdicts_reach_the_crm_signed_and_with_receipts(rig: Rig, receiver: Receiver) -> None:
    """What was committed is what arrives, and the receipt comes back into the ledger."""
    outbox = rig.build({"crm": crm(receiver.url)})
    events = rig.scribe.announce(outbox, "A", "B", "A")
    outbox.start()
    rig.until(taken=3)

    arrived = {request.key: request for request in stored(receiver.file)}
    assert sorted(arrived) == sorted(f"{event}-crm" for event in events)
    with LedgerReader(rig.scribe.state_dir) as reader:
        for row in listing.rows(reader.sql):
            request = arrived[row.key]
            assert request.body == listing.show(reader.sql, row.id).body
            Webhook(SECRET).verify(request.body, dict(request.headers), json_parse=False)
            assert row.receipt == receiver.receipt_for(row.key)


def test_a_reply_cut_after_acceptance_makes_no_second_effect(rig: Rig, receiver: Receiver) -> None:
    """The same key and bytes come again, and the receiver acts once."""
    receiver.faults.cut = 0.5
    outbox = rig.build({"crm": crm(receiver.url, retry_most_s=1)})
    events = rig.scribe.announce(outbox, *(f"O{n % 7}" for n in range(40)))
    outbox.start()

    def done() -> bool:
        rig.clock.move(1)
        return rig.states() == {"taken": 40}

    wait_until(done)
    requests = list(stored(receiver.file))
    accepted = [request for request in requests if request.accepted]
    assert {request.key for request in accepted} == {f"{event}-crm" for event in events}
    assert sum(request.cut for request in requests) > 5
    for key in {request.key for request in requests}:
        assert len({request.body for request in requests if request.key == key}) == 1
    for order in range(7):
        first = dict.fromkeys(r.key for r in accepted if r.order == f"O{order}")
        assert list(first) == [f"{e}-crm" for n, e in enumerate(events) if n % 7 == order]


def test_one_poisoned_order_delays_nobody_else(rig: Rig, receiver: Receiver) -> None:
    """A CRM that chokes on one order gets all the others at once."""
    receiver.faults.answer_orders = {"ill": 500}
    outbox = rig.build({"crm": crm(receiver.url)})
    rig.scribe.announce(outbox, "ill", *(f"well-{n}" for n in range(20)))
    outbox.start()
    rig.until(waiting=1, taken=20)
    for n in range(6):
        rig.clock.move(300)
        rig.scribe.announce(outbox, f"later-{n}")
        wait_until(lambda n=n: rig.states() == {"waiting": 1, "taken": 21 + n})  # type: ignore[misc]  # a plain default


def test_a_crm_that_was_away_gets_everything_in_order(rig: Rig, tmp_path: Path) -> None:
    """Refused connections burn nothing; when it is back, the queue drains by itself."""
    receiver = Receiver(tmp_path / "crm.jsonl").start()
    receiver.stop()
    outbox = rig.build({"crm": crm(receiver.url)})
    events = rig.scribe.announce(outbox, "A", "A", "B", "A")
    outbox.start()
    wait_until(lambda: ("crm", "sink_lost") in rig.notices())
    with receiver:

        def done() -> bool:
            rig.clock.move(30)
            return rig.states() == {"taken": 4}

        wait_until(done)
    came = [r.key for r in stored(receiver.file) if r.order == "A"]
    assert came == [f"{events[n]}-crm" for n in (0, 1, 3)]
    assert rig.sql("SELECT DISTINCT attempts FROM parcels") == [(1,)]


def test_a_refused_key_pauses_and_a_mended_one_goes_on(rig: Rig, receiver: Receiver) -> None:
    """One probe per period and no more, and nothing is burnt."""
    receiver.faults.answers = [401, 403, 401]
    outbox = rig.build({"crm": crm(receiver.url, probe_paused_s=300)})
    rig.scribe.announce(outbox, "A", "B", "C", "D")
    outbox.start()
    wait_until(lambda: ("crm", "sink_paused") in rig.notices())

    def probed() -> bool:
        rig.clock.move(301)
        return sum(1 for _ in stored(receiver.file)) >= 3

    wait_until(probed)
    assert [r.accepted for r in stored(receiver.file)][:3] == [False] * 3

    def resumed() -> bool:
        rig.clock.move(301)
        return rig.states() == {"taken": 4}

    wait_until(resumed)
    assert sum(1 for _ in stored(receiver.file)) == 7
    assert rig.sql("SELECT DISTINCT attempts FROM parcels") == [(1,)]


def test_a_replay_is_the_same_event_to_the_receiver(rig: Rig, receiver: Receiver) -> None:
    """New signature and time, same key and bytes, same receipt, no second effect."""
    outbox = rig.build({"crm": crm(receiver.url)})
    (event,) = rig.scribe.announce(outbox, "A")
    outbox.start()
    rig.until(taken=1)
    rig.scribe.do(lambda tx: replay(tx, who="wang", at_us=1, parcel=rig_parcel(rig)))
    outbox.hurry()
    receiver.wait_for(2)
    rig.until(taken=1)

    first, second = stored(receiver.file)
    assert (first.key, first.body) == (second.key, second.body)
    Webhook(SECRET).verify(second.body, dict(second.headers), json_parse=False)
    assert receiver.receipt_for(f"{event}-crm") == "CRM-000001"


def rig_parcel(rig: Rig) -> str:
    ((ident,),) = rig.sql("SELECT id FROM parcels")
    return str(ident)


def test_a_conflict_about_our_key_is_the_receipt_we_missed(rig: Rig, receiver: Receiver) -> None:
    """A CRM that answers 409 to a repeat has it, and says which."""
    receiver.faults.conflict_on_repeat = True
    receiver.faults.cut = 1.0
    outbox = rig.build({"crm": crm(receiver.url)})
    rig.scribe.announce(outbox, "A")
    outbox.start()
    receiver.wait_for(1)
    receiver.faults.cut = 0.0

    def done() -> bool:
        rig.clock.move(5)
        return rig.states() == {"taken": 1}

    wait_until(done)
    assert [r.status for r in stored(receiver.file)] == [200, 409]
    assert rig.sql("SELECT receipt FROM parcels") == [("CRM-000001",)]


def test_a_busy_crm_is_left_alone_as_long_as_it_asked(rig: Rig, receiver: Receiver) -> None:
    """429 with Retry-After rests the channel, not one parcel."""
    receiver.faults.answers = [429]
    receiver.faults.headers = {"retry-after": "50"}
    outbox = rig.build({"crm": crm(receiver.url, retry_most_s=1)})
    rig.scribe.announce(outbox, "A", "B")
    outbox.start()
    wait_until(lambda: ("crm", "sink_lost") in rig.notices())
    rig.clock.move(49)
    rig.scribe.announce(outbox, "C")
    assert rig.states() == {"waiting": 3}

    def done() -> bool:
        rig.clock.move(2)
        return rig.states() == {"taken": 3}

    wait_until(done)
    assert [r.status for r in stored(receiver.file)] == [429, 200, 200, 200]


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"drip": True}, id="an answer that drips"),
        pytest.param({"delay_s": 30.0}, id="no answer"),
    ],
)
def test_a_slow_crm_holds_the_channel_no_longer_than_the_limit(
    receiver: Receiver, faults: dict[str, Any]
) -> None:
    """The limit is for the whole answer: a byte now and then does not start it anew."""
    for name, value in faults.items():
        setattr(receiver.faults, name, value)
    sink, _ = crm(receiver.url, answer_within_s=0.4)
    began_s = time.monotonic()
    delivery = deliver(sink)

    assert time.monotonic() - began_s < 3
    assert "P1" in delivery.waiting


def test_a_huge_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    """A taken event stays taken; the rest of the answer is left on the wire."""
    receiver.faults.page = "x" * 30_000_000
    sink, _ = crm(receiver.url, answer_max_bytes=2048)

    assert "web page" in deliver(sink).waiting["P1"]


def test_the_connection_is_kept_between_events(receiver: Receiver) -> None:
    """A drain of a thousand does not make a thousand handshakes."""
    sink, _ = crm(receiver.url)
    sink.open()
    for _ in range(5):
        sink.deliver([parcel()], "P1")
    (way,) = sink._ways.values()
    assert way._pool.num_connections == 1
    sink.close()


@pytest.mark.parametrize(
    "garbage",
    [
        *(b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n"),
        *(b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"),
    ],
)
def test_an_answer_that_is_no_http_waits(garbage: bytes) -> None:
    """It may have been taken before the line broke: only the key can tell."""
    with talker(garbage) as url:
        delivery = deliver(crm(url)[0])

    assert list(delivery.waiting) == ["P1"]


def test_a_cut_body_after_200_waits() -> None:
    """Half an answer is not a receipt; the next attempt brings the whole one."""
    with talker(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"rece') as url:
        delivery = deliver(crm(url)[0])

    assert "P1" in delivery.waiting


def test_a_redirect_is_not_followed(receiver: Receiver, tmp_path: Path) -> None:
    """Not even to a server that would take it."""
    with Receiver(tmp_path / "elsewhere.jsonl") as elsewhere:
        receiver.faults.answers = [307]
        receiver.faults.headers = {"location": elsewhere.url}
        with pytest.raises(SinkPaused, match=str(elsewhere.port)):
            deliver(crm(receiver.url)[0])

        assert list(stored(elsewhere.file)) == []


def test_a_crm_nobody_knows_is_unavailable() -> None:
    """A name that does not resolve, a port that is closed."""
    for url in ("http://no-such-host.invalid/", "http://127.0.0.1:1/"):
        with pytest.raises(SinkUnavailable, match=url):
            deliver(crm(url)[0])


# -- the receiver as a process


def test_the_receiver_process_keeps_what_it_accepted_over_a_kill(tmp_path: Path) -> None:
    """Killed and started again it still knows the key and gives the same receipt."""
    file = tmp_path / "crm.jsonl"
    command = [sys.executable, "-m", "hub.simulate.receiver", "--file", str(file)]
    receipts = []
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            receipts.append(deliver(crm(url)[0]).taken["P1"])
            process.kill()

    assert receipts == ["CRM-000001", "CRM-000001"]
    assert len(list(stored(file))) == 2


class talker:  # noqa: N801 - reads as a verb where it is used
    """A server that says one thing to the first client and hangs up."""

    def __init__(self, says: bytes) -> None:
        self._says = says
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._talk)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._socket.close()

    def _talk(self) -> None:
        client, _ = self._socket.accept()
        with client:
            client.settimeout(5)
            seen = b""
            while b'{"subject"' not in seen:
                seen += client.recv(65536)
            client.sendall(self._says)


def test_a_receivers_file_is_read_while_it_is_written(tmp_path: Path) -> None:
    """What is not whole yet is left out, and its rest is no line of its own."""
    file = tmp_path / "told.jsonl"
    line = json.dumps({**dict.fromkeys(Request._fields, ""), "body": "e30=", "headers": {}}) + "\n"
    half = len(line) // 2

    def write() -> None:
        with file.open("a", encoding="ascii", buffering=1) as out:
            for _ in range(1000):
                for piece in (line[:half], line[half:]):
                    out.write(piece)
                    out.flush()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while writer.is_alive():
        now = sum(1 for _ in stored(file))
        assert now >= seen
        seen = now
    writer.join()
    assert sum(1 for _ in stored(file)) == 1000
