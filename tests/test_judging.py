"""The judging thread on a real ledger: what is committed, acknowledged and told, and when.

Only time is by hand; the ledger file, the bus, the desk and the rules are the real ones.
"""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.alarms import AlarmWatch
from hub.bus import Bus
from hub.commands import Commands
from hub.desk import Desk
from hub.doing import Doing
from hub.errors import CommandRefused
from hub.following import Cursors, stored_cursors
from hub.foreman import JobDoor
from hub.judging import Judging
from hub.ledger import Ledger, LedgerReader, verify
from hub.measuring import measure
from hub.model import Delivery, Intake, Notice, Parcel
from hub.outbox import Consignee, Outbox
from hub.registry import Registry
from hub.replaying import replay_verdicts
from hub.rulepack import load_pack
from hub.settings import Settings
from hub.settling import Settling
from hub.testing import HandClock, wait_until
from hub.timekeeping import Timekeeper
from hub.watchdog import Watchdog


class Lamp:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def deliver(self, parcels: list[Parcel], batch: str) -> Delivery:
        self.bodies += [parcel.body for parcel in parcels]
        return Delivery(taken={parcel.id: "shown" for parcel in parcels})


class LampSettings(Settings):
    events: tuple[str, ...] = ("verdict", "alarm", "instrument")


class Source:
    """A driver's end of the acknowledgements."""

    def __init__(self) -> None:
        self.settled: list[object] = []

    def open(self) -> None: ...

    def read(self, within_s: float) -> list[Intake]:
        return []

    def settle(self, receipts: Any) -> None:
        self.settled += receipts

    def close(self) -> None: ...


class House:
    """One hub without its drivers; `stop` and a new House on the same folder is a restart."""

    def __init__(
        self, folder: Path, clock: HandClock, linger_us: int = 200_000, *, start: bool = True
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.bus = Bus()
        self.ledger = Ledger.open(folder, clock, "gw-test", 0)
        self.registry = Registry([])
        pack = load_pack()
        self.desk = Desk(self.registry, pack, {})
        self.lamp = Lamp()
        self.source = Source()
        self.outbox = Outbox(
            [Consignee("lamp", self.lamp, LampSettings())],  # type: ignore[arg-type]
            folder,
            self.bus.submit,
            clock,
        )
        alarms = AlarmWatch(pack)
        with LedgerReader(folder) as reader:
            self.desk.restore(reader)
            alarms.restore(reader)
            cursors = Cursors(stored_cursors(reader), [])
        jobs = JobDoor(self.desk, pack, folder, clock, lambda *_: None)
        self.judging = Judging(
            "gw-test",
            self.bus,
            self.ledger,
            self.desk,
            jobs,
            alarms,
            self.outbox,
            Settling({"wire": self.source}),
            cursors,
            self.registry,
            Watchdog(),
            Timekeeper(clock),
            clock,
            linger_us=linger_us,
            commit_at=10,
        )
        self.commands = Commands(
            self.desk, self.outbox, self.registry, clock, Doing(self.bus.submit), dict
        ).table()
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self.judging.run, args=(self._halt,))
        if start:
            self.start()

    def start(self) -> None:
        """What was put before is there when the judge looks first."""
        self._thread.start()
        self.outbox.start()

    def do(self, what: str, **request: Any) -> Any:
        return self.commands[what](request)

    def read(self, value: str, *, serial: str = "S1", seq: str = "", **given: str) -> None:
        """A pressure reading of pm-1 now."""
        reading = measure(
            instrument=given.get("instrument", "pm-1"),
            quantity=given.get("quantity", "pressure"),
            value=value,
            unit=given.get("unit", "Pa"),
            at_us=self.clock.now_us(),
            serial=serial,
            seq=seq,
            lel_basis_pct_vol=given.get("basis", ""),
        )
        raw = f"{value}".encode()
        self.bus.put(
            [Intake("wire", raw, self.clock.now_us(), (reading,), receipt=(value, seq))], self._halt
        )

    def settle(self) -> None:
        """Return once everything put so far has been taken, reviewed and committed.

        A task is answered at the end of a turn, and a turn with a task commits what it took.
        """
        self.bus.submit(lambda _: None).result(10)

    def stop(self) -> None:
        self.outbox.stop(5)
        self._halt.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.ledger.close()

    def entries(self, kind: str) -> list[Mapping[str, Any]]:
        with LedgerReader(self.folder) as reader:
            return [entry.record() for entry in reader.entries(kinds={kind})]


ORDER = {
    "number": "WO-7",
    "procedure": "indoor_hold",
    "p_design_pa": 5000,
    "medium": "air",
    "instruments": [
        {
            "name": "pm-1",
            "serial": "S1",
            "quantity": "pressure",
            "unit": "Pa",
            "range_pa": 10000,
            "resolution_pa": 1,
            "calibrated_until": "2099-12-31",
        }
    ],
}


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def house(tmp_path: Path, clock: HandClock) -> Iterator[House]:
    made = House(tmp_path, clock)
    yield made
    made.stop()


def begin(house: House, order: Mapping[str, Any] = ORDER) -> None:
    house.do("order.add", text=orjson.dumps(order).decode())
    house.do("order.open", number=order["number"])


def pump_up(house: House) -> None:
    """Zero, pump to 5.2 kPa, take the pump off."""
    house.do("order.event", number="WO-7", word="zeroed", instrument="pm-1")
    for value in ("0", "0", "1", "0"):
        house.read(value)
        house.clock.move(1)
    house.do("order.event", number="WO-7", word="pump_on")
    for value in range(400, 5201, 400):
        house.read(str(value))
        house.clock.move(1)
    house.settle()
    house.do("order.event", number="WO-7", word="pump_off")


def hold(house: House, seconds: int, fall_pa_per_s: float = 0.0, start: int = 0) -> None:
    """Read once a second; the gauge's last digit flickers as a live one does."""
    for k in range(start, start + seconds):
        house.read(str(round(5200 - fall_pa_per_s * k) + k % 2))
        house.clock.move(1)
        if k % 20 == 19:
            house.settle()
    house.settle()


def verdict_of(house: House) -> Mapping[str, Any]:
    found = house.entries("verdict")
    assert len(found) == 1
    word: Mapping[str, Any] = found[0]["verdict"]
    return word


def test_a_tight_pipe_passes_and_the_word_leaves_the_box(house: House) -> None:
    """Verdict, parcel and delivery; the event carries a head that covers the verdict."""
    begin(house)
    pump_up(house)
    hold(house, 600)

    assert verdict_of(house)["verdict"] == "PASS"
    wait_until(lambda: len(house.lamp.bodies) == 1)
    event = orjson.loads(house.lamp.bodies[0])
    assert event["data"]["verdict"]["verdict"] == "PASS"
    assert event["data"]["ledger"]["size"] > event["data"]["ledger"]["entry"]


def test_a_leak_fails(house: House) -> None:
    """1 Pa/s is far over the limit, and is said before the hold is over."""
    begin(house)
    pump_up(house)
    hold(house, 330, fall_pa_per_s=0.6)

    verdict = verdict_of(house)
    assert verdict["verdict"] == "FAIL"
    assert verdict["reasons"][0] in ("drop", "cannot_hold")


def test_a_silent_gauge_is_inconclusive_without_another_reading(house: House) -> None:
    """The cable is pulled in the hold; time alone brings the verdict."""
    begin(house)
    pump_up(house)
    hold(house, 200)
    for _ in range(40):
        house.clock.move(1)
        house.settle()

    verdict = verdict_of(house)
    assert verdict["verdict"] == "INCONCLUSIVE"
    assert "data_gap" in verdict["reasons"] or "too_short" in verdict["reasons"]


def test_a_hold_goes_on_over_a_restart_when_no_reading_is_missing(
    tmp_path: Path, clock: HandClock
) -> None:
    """The attempt is rebuilt from the ledger; a gap within the limit does not spoil it."""
    house = House(tmp_path, clock)
    begin(house)
    pump_up(house)
    hold(house, 150)
    house.stop()
    clock.move(3)
    house = House(tmp_path, clock)
    hold(house, 450, start=150)
    house.stop()

    assert verdict_of(house)["verdict"] == "PASS"


@pytest.mark.parametrize(("heard_at_once", "reason"), [(True, "data_gap"), (False, "too_short")])
def test_a_restart_that_takes_too_long_spoils_the_hold(
    tmp_path: Path, clock: HandClock, heard_at_once: bool, reason: str
) -> None:
    """15 s without the hub are 15 s without evidence: a gap when the gauge is heard at once, the
    hold's early end when a review finds it silent first.
    """
    house = House(tmp_path, clock)
    begin(house)
    pump_up(house)
    hold(house, 150)
    house.stop()
    clock.move(15)
    house = House(tmp_path, clock, start=not heard_at_once)
    if heard_at_once:
        house.read("5200")
        house.start()
    house.settle()
    hold(house, 450, start=150)
    house.stop()

    assert verdict_of(house)["verdict"] == "INCONCLUSIVE"
    assert verdict_of(house)["reasons"][0] == reason


def test_another_device_on_the_same_wire_never_continues_a_hold(house: House) -> None:
    """The serial changes in mid hold: the attempt is aborted, not judged."""
    begin(house)
    pump_up(house)
    hold(house, 150)
    house.read("5200", serial="S2")
    house.clock.move(1)
    hold(house, 10, start=150)

    verdict = verdict_of(house)
    assert verdict["verdict"] == "ABORTED"
    assert verdict["reasons"] == ["instrument_fault"]


def test_replay_from_the_ledger_alone_gives_the_same_verdict(
    tmp_path: Path, clock: HandClock
) -> None:
    """Byte for byte in canonical form, in a process that never saw the readings."""
    house = House(tmp_path, clock)
    begin(house)
    pump_up(house)
    hold(house, 600)
    house.stop()

    results = replay_verdicts(tmp_path, Registry([]))

    assert [(r["recorded"], r["same"]) for r in results] == [("PASS", True)]
    assert verify(tmp_path).ok


WORK = {
    "number": "WO-8",
    "procedure": "safe_to_work",
    "points": {"ceiling": "ceiling", "joint": "suspect", "door": "other"},
    "instruments": [
        {
            "name": "det-1",
            "quantity": "gas",
            "unit": "%LEL",
            "lel_basis_pct_vol": 4.4,
            "t90_s": 15,
            "calibrated_until": "2099-12-31",
        }
    ],
}


def test_a_bug_in_a_command_costs_that_command_alone(house: House) -> None:
    """What it had written is undone; the hub judges on."""

    def bug(tx: Any) -> None:
        tx.append("note", {"text": "half"}, 1)
        raise OverflowError("a bug of ours")

    with pytest.raises(CommandRefused, match="OverflowError"):
        house.bus.submit(bug).result(10)
    with pytest.raises(CommandRefused, match="Canonicalization"):
        house.bus.submit(lambda tx: tx.append("note", {"text": "\ud800"}, 1)).result(10)
    for wrong in (["x"], {"a": 1}):
        with pytest.raises(CommandRefused, match=r"not done: (Programming|Interface)Error"):
            house.bus.submit(lambda tx, wrong=wrong: tx.sql.execute("SELECT ?", (wrong,))).result(
                10
            )
    twice = "INSERT INTO hub_state (key, value) VALUES ('k', 'v')"
    with pytest.raises(CommandRefused, match="not done: IntegrityError"):
        house.bus.submit(lambda tx: (tx.sql.execute(twice), tx.sql.execute(twice))).result(10)
    house.do("order.add", text=orjson.dumps(ORDER).decode())
    assert house.entries("note") == []


@pytest.mark.parametrize("first", [True, False], ids=["before any reading", "amid them"])
def test_a_dead_letter_of_the_detector_shows_in_its_verdict(
    tmp_path: Path, clock: HandClock, first: bool
) -> None:
    """What it would have said is not known: the PASS says so, live and in replay alike.

    Letters of other sources are nobody's business, and a thousand in a second are one.
    """
    unreadable = {("joint", 30), *([("ceiling", 0)] if first else [])}
    house = House(tmp_path, clock)
    begin(house, WORK)
    house.do("order.event", number="WO-8", word="zeroed", instrument="det-1")
    for point in WORK["points"]:  # type: ignore[attr-defined]
        house.do("order.event", number="WO-8", word="point", point=point)
        for second in range(66):
            if (point, second) in unreadable:
                for source in ("wire", *["elsewhere"] * 1000):
                    letter = Intake(source, b"?", clock.now_us(), dead="unit LEL% is unknown")
                    house.bus.put([letter], threading.Event())
            house.read("3", serial="", instrument="det-1", quantity="gas", unit="%LEL")
            clock.move(1)
            if second % 20 == 19:
                house.settle()
        house.settle()
    house.stop()

    verdict = verdict_of(house)
    assert (verdict["verdict"], verdict["flags"]) == ("PASS", ["unusable_readings"])
    assert verdict["figures"]["unusable"] == {"joint": 1} | ({"ceiling": 1} if first else {})
    assert [r["same"] for r in replay_verdicts(tmp_path, Registry([]))] == [True]


def test_a_message_is_acknowledged_only_once_it_is_durable(house: House) -> None:
    """Before the linger is over there is no receipt; after the commit there is."""
    house.read("1", seq="17")
    wait_until(lambda: house.bus.waiting() == (0, 0))
    assert house.source.settled == []
    assert house.entries("readings") == []
    house.clock.move(0.25)
    wait_until(lambda: bool(house.source.settled))

    assert house.source.settled == [("1", "17")]
    assert len(house.entries("readings")) == 1


def test_an_alarm_does_not_wait_for_the_linger(tmp_path: Path, clock: HandClock) -> None:
    """A reading at 20 %LEL is durable as an alarm while the clock stands still."""
    house = House(tmp_path, clock, linger_us=60_000_000)
    house.read("20.0", instrument="det-1", quantity="gas", unit="%LEL", basis="4.4")
    wait_until(lambda: bool(house.entries("alarm")))
    house.read("21.0", instrument="det-1", quantity="gas", unit="%LEL", basis="4.4")
    house.read("19.9", instrument="det-1", quantity="gas", unit="%LEL", basis="4.4")
    wait_until(lambda: len(house.entries("alarm")) == 2)
    house.stop()

    assert [alarm["state"] for alarm in house.entries("alarm")] == ["raised", "cleared"]


def test_a_refused_command_leaves_nothing_behind_and_the_rest_goes_on(house: House) -> None:
    """One transaction carries many commands; each refusal undoes itself alone."""
    size = house.ledger.head().size

    def bad(tx: Any) -> None:
        tx.append("notice", {"what": "half"}, house.clock.now_us())
        raise CommandRefused("changed my mind")

    def good(tx: Any) -> int:
        return int(tx.append("notice", {"what": "whole"}, house.clock.now_us()))

    futures: list[Future[Any]] = [house.bus.submit(act) for act in (bad, good, bad)]
    with pytest.raises(CommandRefused, match="changed my mind"):
        futures[0].result(5)

    assert futures[1].result(5) >= size
    assert [n["what"] for n in house.entries("notice")] == ["whole"]


@pytest.mark.parametrize(
    ("what", "request_", "said"),
    [
        ("order.open", {"number": "nobody"}, "no order 'nobody'"),
        ("order.event", {"number": "WO-7", "word": "zerod"}, 'did you mean "zeroed"'),
        ("order.event", {"number": "WO-7", "word": "zeroed", "instrument": "pm-9"}, "pm-1"),
        ("order.open", {"number": "WO-7"}, "open already"),
        ("order.add", {"text": "{"}, "order"),
        ("order.add", {"text": '{"number": "X"}'}, "X"),
        ("outbox.retry", {"parcel": "nothing"}, "nothing"),
    ],
)
def test_a_wrong_command_says_what_and_what_to_do(
    house: House, what: str, request_: dict[str, str], said: str
) -> None:
    """Nothing is changed by it."""
    begin(house)
    with pytest.raises(CommandRefused, match=said):
        house.do(what, **request_)


def test_an_order_sent_twice_is_one_order_and_a_changed_one_is_refused(house: House) -> None:
    """Idempotent on the same content; never silently replaced."""
    first = house.do("order.add", text=orjson.dumps(ORDER).decode())
    again = house.do("order.add", text=orjson.dumps(ORDER).decode())
    with pytest.raises(CommandRefused, match="other content"):
        house.do("order.add", text=orjson.dumps({**ORDER, "p_design_pa": 6000}).decode())

    assert first == again


def test_an_aborted_order_ends_its_attempt_and_takes_no_other(house: House) -> None:
    """ABORTED, with the word as the reason."""
    begin(house)
    house.do("order.abort", number="WO-7", reason="house on fire")
    house.settle()

    assert verdict_of(house)["verdict"] == "ABORTED"
    with pytest.raises(CommandRefused, match="was aborted"):
        house.do("order.open", number="WO-7")


def test_close_decides_what_will_not_be_finished(house: House) -> None:
    """A test that nobody goes on with gets its verdict at once, and never PASS."""
    begin(house)
    pump_up(house)
    house.do("order.event", number="WO-7", word="close")
    house.settle()

    assert verdict_of(house)["verdict"] == "INCONCLUSIVE"


def test_an_alarm_survives_a_restart_and_is_cleared_after_it(
    tmp_path: Path, clock: HandClock
) -> None:
    """Whoever was told of the alarm is told of its end as well, and not twice of its beginning."""

    def gas(house: House, value: str) -> None:
        house.read(value, instrument="det-1", quantity="gas", unit="%LEL", basis="4.4")
        house.settle()

    house = House(tmp_path, clock)
    gas(house, "40")
    house.stop()
    house = House(tmp_path, clock)
    gas(house, "41")
    gas(house, "1")
    house.stop()

    assert [alarm["state"] for alarm in house.entries("alarm")] == ["raised", "cleared"]


def test_a_lost_instrument_is_told_with_its_notice(house: House) -> None:
    """Once, over the notice's own entry; what nobody outside needs stays in the record."""
    at_us = house.clock.now_us()
    house.bus.put(
        [
            Notice(at_us, "pm-1", "instrument_lost", "no reading for 2 s"),
            Notice(at_us, "crm", "parcel_refused", "of another time"),
        ],
        house._halt,
    )
    house.settle()
    wait_until(lambda: len(house.lamp.bodies) == 1)

    event = orjson.loads(house.lamp.bodies[0])
    assert (event["type"], event["data"]["state"]) == ("gashub.instrument.v1", "lost")
    with LedgerReader(house.folder) as reader:
        entry = reader.read(event["data"]["ledger"]["entry"])
    assert entry.record()["what"] == "instrument_lost"
