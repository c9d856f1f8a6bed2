"""A line keeps its instruments apart: what goes wrong with one is named, once, and costs it alone.

Most tests run the line on the test's own thread with a clock that jumps, so that they have no
timing; those with a real clock wait for what happens, never for time to pass.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import pytest

from hub.clock import Clock, HandClock, HubClock
from hub.errors import BadFrame, ConfigError, InstrumentSilent, PortGone
from hub.framing import LineFramer
from hub.line import Item, Line
from hub.measuring import measure
from hub.model import Intake, Notice
from hub.port import Port
from hub.testing import PtyPair, wait_until

S = 1_000_000


class JumpClock(HandClock):
    """Waiting is jumping: a wait returns at once and the time has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.beats: list[str] = []
        self.forgotten: list[str] = []
        self.longest_wait_s = 0.0
        self.passed: Callable[[int], None] = lambda _: None

    def wait(self, event: threading.Event, s: float) -> bool:
        self.longest_wait_s = max(self.longest_wait_s, s)
        self.move(s)
        self.passed(self.now_us())
        return event.is_set()

    def beat(self, name: str) -> None:
        self.beats.append(name)

    def forget(self, name: str) -> None:
        self.forgotten.append(name)


class Play:
    """A run of one line by script: drivers call back here, and everything put is kept."""

    def __init__(self, cable: PtyPair, clock: Clock | None = None) -> None:
        self.cable = cable
        self.clock = clock or JumpClock()
        self.stop_when: Callable[[], bool] = lambda: False
        self.stop = threading.Event()
        self.items: list[Item] = []
        self.put_takes_s: list[float] = []

    def put(self, items: Sequence[Item], stop: threading.Event) -> None:
        self.items += items
        if self.put_takes_s:
            self.pass_s(self.put_takes_s.pop(0))
        if self.stop_when():
            stop.set()

    def pass_s(self, s: float) -> None:
        """Let time pass, where this play's clock is one that can be moved."""
        if isinstance(self.clock, HandClock):
            self.clock.move(s)

    def line(self, *drivers: "Poll | Stream", **more: float) -> Line:
        named = {driver.name: driver for driver in drivers}
        settings = self.cable.settings()
        return Line("riser", settings, named, self.put, self.clock, jitter=lambda: 1.0, **more)

    def notices(self, what: str = "") -> list[Notice]:
        return [item for item in self.items if isinstance(item, Notice) and what in ("", item.what)]

    def drops(self) -> list[str]:
        return [item.dropped for item in self.items if isinstance(item, Intake) and item.dropped]

    def values(self) -> list[str]:
        return [
            reading.value
            for item in self.items
            if isinstance(item, Intake)
            for reading in item.readings
        ]


class Poll:
    """A polled instrument by script: each turn `act` says what comes of it."""

    poll_every_s: float | None = 1.0
    stale_after_s = 2.0

    def __init__(self, play: Play, name: str, act: Callable[["Poll", float], str]) -> None:
        self.play = play
        self.name = name
        self.act = act
        self.started_us = play.clock.now_us()
        self.asked_s: list[float] = []
        self.resets = 0
        self.serial = "A1"
        self.answers_as = frozenset([name])

    def reset(self) -> None:
        self.resets += 1

    def read(self, port: Port) -> Sequence[Intake]:
        now_s = (self.play.clock.now_us() - self.started_us) / S
        self.asked_s.append(now_s)
        act = self.act(self, now_s)
        self.play.pass_s(0.3 if act in ("silent", "stop") else 0.02)
        now_us = self.play.clock.now_us()
        if act == "stop":
            self.play.stop.set()
            return ()
        if act == "silent":
            raise InstrumentSilent(f"{self.name}: no answer in 0.3 s; check cable and power")
        if act == "bad":
            raise BadFrame("CRC is 00 00")
        if act == "gone":
            raise PortGone("port: Input/output error")
        if act == "bug":
            raise ZeroDivisionError("in the driver")
        return [self._made(word, now_us) for word in act.split("+")]

    def _made(self, word: str, now_us: int) -> Intake:
        if word == "refused":
            return Intake(self.name, b"", now_us, dropped="modbus_device_busy")
        reading = measure(
            instrument=self.name,
            serial=self.serial,
            quantity="pressure",
            value=word,
            unit="Pa",
            at_us=now_us,
        )
        return Intake(self.name, b"frame", now_us, (reading,))


class Stream:
    """An instrument that sends "$<Pa>*" lines by itself; `feed` is sent, part by part, per read."""

    poll_every_s: float | None = None
    stale_after_s = 5.0

    def __init__(self, play: Play, feed: Sequence[bytes] = ()) -> None:
        self.name = "gauge"
        self._play = play
        self._feed = list(feed)
        self._framer = LineFramer(b"*", b"$", 20)

    def reset(self) -> None:
        self._framer.reset()

    def read(self, port: Port) -> Sequence[Intake]:
        within_s = 0.02
        if self._feed:
            self._play.cable.send(self._feed.pop(0))
            within_s = 30.0  # until it has come; not met unless the test fails
        received = port.read(within_s)
        now_us = self._play.clock.now_us()
        return [
            Intake(
                self.name,
                frame,
                now_us,
                (
                    measure(
                        instrument=self.name,
                        quantity="pressure",
                        value=frame[1:-1].decode(),
                        unit="Pa",
                        at_us=now_us,
                    ),
                ),
            )
            for frame in self._framer.feed(received)
        ]


def always(what: str) -> Callable[..., str]:
    return lambda *_: what


def until(end_s: float, act: Callable[[float], str]) -> Callable[[Poll, float], str]:
    return lambda _, now_s: "stop" if now_s >= end_s else act(now_s)


@pytest.fixture
def cable() -> Iterator[PtyPair]:
    with PtyPair() as pair:
        yield pair


@pytest.fixture
def play(cable: PtyPair) -> Play:
    return Play(cable)


@pytest.fixture
def running() -> Iterator[Callable[[Play, Line], None]]:
    """Starts a line on a thread of its own; stops and joins it at the end."""
    started = []

    def start(play: Play, line: Line) -> None:
        thread = threading.Thread(target=line.run, args=(play.stop,), name="line:riser")
        started.append((play, thread))
        thread.start()

    yield start
    for play, thread in started:
        play.stop.set()
        thread.join(30)
        assert not thread.is_alive()


# ---------------------------------------------------------------------- shared line


def test_one_dead_of_eight_leaves_the_others_their_period(play: Play) -> None:
    """Ten minutes of hub time, one of eight silent from the second minute on."""
    slaves = [Poll(play, f"s{i}", until(600, always("100"))) for i in range(7)]
    dying = Poll(play, "dying", lambda _, now_s: "100" if now_s < 120 else "silent")
    play.line(dying, *slaves).run(play.stop)
    for slave in slaves:
        assert len(slave.asked_s) == pytest.approx(600, abs=2)
        odd = [b - a for a, b in pairwise(slave.asked_s[:-1]) if abs(b - a - 1) > 0.1]
        # The turn in which it was first found silent, and the return to the phase after it.
        assert len(odd) <= 2
    assert len(play.notices("instrument_lost")) == 1
    assert dying.asked_s[-1] > 590


def test_readings_carry_on_in_the_order_of_the_turns(play: Play) -> None:
    a = Poll(play, "a", until(3, always("1")))
    b = Poll(play, "b", always("2"))
    play.line(a, b).run(play.stop)
    assert play.values() == ["1", "2"] * 3


# ---------------------------------------------------------------------- lost and back


def test_an_instrument_is_lost_once_and_back_once(play: Play) -> None:
    """Silent from 10 s to 100 s: one notice with reason and remedy, one when it answers again."""
    gauge = Poll(play, "g", until(120, lambda s: "silent" if 10 <= s < 100 else "7"))
    line = play.line(gauge)
    line.run(play.stop)
    (lost,) = play.notices("instrument_lost")
    (back,) = play.notices("instrument_back")
    assert lost.subject == back.subject == "g"
    assert "no answer in 0.3 s; check cable and power" in lost.detail
    lost_s, back_s = ((n.at_us - gauge.started_us) / S for n in (lost, back))
    assert 11 <= lost_s <= 12.5
    assert 100 <= back_s <= 101.5
    assert (
        play.items.index(back)
        == next(
            i
            for i, item in enumerate(play.items)
            if isinstance(item, Intake)
            and item.readings
            and item.at_us > 100 * S + gauge.started_us
        )
        - 1
    )
    assert line.status()["g"].state == "ok"
    assert line.status()["g"].drops["silent"] > 80


def test_one_missed_answer_is_no_loss(play: Play) -> None:
    gauge = Poll(play, "g", until(60, lambda s: "silent" if int(s) % 3 == 1 else "7"))
    play.line(gauge).run(play.stop)
    assert play.notices() == []


def test_never_heard_is_lost_after_the_time_set(play: Play) -> None:
    play.line(Poll(play, "g", until(10, always("silent")))).run(play.stop)
    assert [n.what for n in play.notices()] == ["instrument_lost"]


def test_bad_frames_are_counted_and_are_no_readings(play: Play) -> None:
    line = play.line(Poll(play, "g", until(5, lambda s: "bad" if s < 3 else "7")))
    line.run(play.stop)
    assert play.drops() == ["bad_frame"] * 3
    assert play.values() == ["7", "7"]
    assert "CRC is 00 00" in play.notices("instrument_lost")[0].detail
    assert line.status()["g"].drops == {"bad_frame": 3}


def test_named_drops_alone_end_in_a_loss_that_names_them(play: Play) -> None:
    play.line(Poll(play, "g", until(10, always("refused")))).run(play.stop)
    assert "dropped as modbus_device_busy" in play.notices("instrument_lost")[0].detail


@pytest.mark.parametrize(("turn", "told"), [("7+refused", True), ("refused+7", False)])
def test_what_is_dropped_behind_a_reading_of_the_same_turn_is_told(
    play: Play, turn: str, told: bool
) -> None:
    """Such as the heartbeat that has stopped, which stands behind a reading without a number."""
    line = play.line(Poll(play, "g", until(3, always(turn))))
    line.run(play.stop)
    assert line.status()["g"].state == "ok"
    assert ("dropped as modbus_device_busy" in line.status()["g"].reason) is told


def test_another_serial_is_a_changed_identity_before_its_first_reading(play: Play) -> None:
    def act(poll: Poll, now_s: float) -> str:
        poll.serial = "A1" if now_s < 2 else "B2"
        return "stop" if now_s >= 4 else "7"

    play.line(Poll(play, "g", act)).run(play.stop)
    (changed,) = play.notices("identity_changed")
    assert changed.subject == "g"
    assert changed.detail == "serial A1 before, B2 now"
    after = play.items[play.items.index(changed) + 1]
    assert isinstance(after, Intake)
    assert after.readings[0].serial == "B2"


# ---------------------------------------------------------------------- a driver with a bug


def test_a_drivers_bug_stops_that_instrument_alone(play: Play) -> None:
    """It is named, tried again after 30 s, 60 s, 120 s..., and the other one never notices."""
    broken = Poll(play, "broken", lambda _, s: "bug" if s < 400 else "7")
    fine = Poll(play, "fine", until(600, always("1")))
    line = play.line(broken, fine)
    line.run(play.stop)
    (failed,) = play.notices("driver_failed")
    assert failed.subject == "broken"
    assert "ZeroDivisionError: in the driver; tried again in 30 s" in failed.detail
    assert [round(b - a) for a, b in pairwise(broken.asked_s[:5])] == [30, 60, 120, 240]
    assert len(fine.asked_s) == pytest.approx(600, abs=2)
    assert max(b - a for a, b in pairwise(fine.asked_s)) < 1.1
    assert [n.subject for n in play.notices("instrument_back")] == ["broken"]
    assert line.status()["broken"].state == "ok"


def test_what_a_stream_sent_while_its_driver_rested_is_not_read_as_new(play: Play) -> None:
    """It would be stamped half a minute late; the notice of the failure names the gap."""

    class Broken(Stream):
        def read(self, port: Port) -> Sequence[Intake]:
            if not play.notices("driver_failed"):
                play.cable.send(b"$1*")
                wait_until(lambda: port._serial.in_waiting == 3, "3 bytes arrived")
                raise ZeroDivisionError("in the driver")
            return super().read(port)

    play.stop_when = lambda: bool(play.values())
    play.line(Broken(play, [b"$2*"])).run(play.stop)
    assert play.values() == ["2"]


def test_the_rest_of_a_broken_driver_grows_to_ten_minutes(play: Play) -> None:
    broken = Poll(play, "broken", lambda poll, _: "stop" if len(poll.asked_s) > 9 else "bug")
    play.line(broken).run(play.stop)
    assert round(broken.asked_s[-1] - broken.asked_s[-2]) == 600


def test_a_bug_in_reset_is_a_bug_of_that_driver(play: Play) -> None:
    broken = Poll(play, "broken", always("7"))
    broken.reset = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    fine = Poll(play, "fine", until(20, always("1")))
    play.line(broken, fine).run(play.stop)
    assert "ZeroDivisionError" in play.notices("driver_failed")[0].detail
    assert broken.asked_s == []
    assert len(fine.asked_s) == 21


# ---------------------------------------------------------------------- the port


def test_a_port_fault_is_told_once_and_the_port_opened_again(play: Play) -> None:
    """Three faults in a row: one port_lost; drivers are reset each time; then one port_back."""
    gauge = Poll(play, "g", lambda p, _: "gone" if len(p.asked_s) < 4 else "7")
    other = Poll(play, "o", until(30, always("7")))
    play.line(gauge, other).run(play.stop)
    assert [n.what for n in play.notices()] == ["port_lost", "port_back"]
    assert play.notices()[0].subject == "riser"
    assert gauge.resets == 4


def test_reopening_backs_off_from_fifth_of_a_second_to_five(play: Play) -> None:
    gauge = Poll(play, "g", lambda p, _: "stop" if len(p.asked_s) > 9 else "gone")
    play.line(gauge).run(play.stop)
    waits_s = [round(b - a - 0.02, 2) for a, b in pairwise(gauge.asked_s)]
    assert waits_s == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0, 5.0]


def test_after_a_reading_the_next_fault_is_answered_at_once_again(play: Play) -> None:
    """The back-off of an old trouble does not lengthen a new one."""
    acts = ["gone"] * 5 + ["7", "gone", "7", "stop"]
    gauge = Poll(play, "g", lambda p, _: acts[len(p.asked_s) - 1])
    play.line(gauge).run(play.stop)
    assert gauge.asked_s[7] - gauge.asked_s[6] == pytest.approx(0.22)


def test_a_port_that_appears_ends_the_back_off(play: Play, cable: PtyPair) -> None:
    """Pulled out for a minute, the wait has grown to 5 s; plugged in, it is open within one."""
    clock = play.clock
    assert isinstance(clock, JumpClock)
    cable.unplug()
    started_us = clock.now_us()

    def plug_in(now_s: float) -> None:
        if now_s > 62 and not os.path.lexists(cable.path):
            cable.replug()
            play.items.append(Notice(clock.now_us(), "test", "plugged"))

    clock.passed = lambda now_us: plug_in((now_us - started_us) / S)
    play.line(Poll(play, "g", always("stop"))).run(play.stop)
    (plugged,) = play.notices("plugged")
    assert clock.now_us() - plugged.at_us <= 1.4 * S
    assert clock.longest_wait_s <= 1.0


def test_waiting_for_the_bus_is_no_silence_of_the_instruments(play: Play) -> None:
    """Ten seconds in which nobody was asked make nobody stale."""
    play.put_takes_s = [0.0, 10.0]
    play.line(Poll(play, "g", always("7")), Poll(play, "o", until(20, always("7")))).run(play.stop)
    assert play.notices() == []


def test_a_missing_port_makes_its_instruments_stale(play: Play, cable: PtyPair) -> None:
    """No device at all: the port is named, then each instrument with the line as its reason."""
    cable.unplug()
    gauge = Poll(play, "g", always("7"))
    play.stop_when = lambda: bool(play.notices("instrument_lost"))
    play.line(gauge).run(play.stop)
    assert "no such device" in play.notices("port_lost")[0].detail
    assert "line riser is down" in play.notices("instrument_lost")[0].detail


def test_each_turn_beats_and_the_end_is_told(play: Play) -> None:
    """No wait is longer than a second, so that a clock shared with others is never held up."""
    clock = play.clock
    assert isinstance(clock, JumpClock)
    gauge = Poll(play, "g", until(60, always("7")))
    gauge.poll_every_s = 20.0
    play.line(gauge).run(play.stop)
    assert len(clock.beats) > 60
    assert set(clock.beats) == {"line:riser"}
    assert clock.forgotten == ["line:riser"]
    assert clock.longest_wait_s <= 1.0


# ---------------------------------------------------------------------- streaming


def test_one_that_streams_cannot_share_a_line(play: Play) -> None:
    with pytest.raises(ConfigError, match="gauge sends by itself and shares the line with g"):
        play.line(Stream(play), Poll(play, "g", always("7")))


def test_a_long_wait_for_the_bus_is_a_named_gap(play: Play, cable: PtyPair) -> None:
    """While the bus was full the kernel's buffer may have run over: it is cleared, and told.

    The tail of the frame whose head was cleared does not become a reading either.
    """
    stream = Stream(play, [b"$1*", b"5*$6*"])

    def put(items: Sequence[Item], stop: threading.Event) -> None:
        play.items += items
        if play.values() == ["1"] and not play.notices("overrun"):
            cable.send(b"$2*$3*$4")  # comes while we are blocked
            wait_until(lambda: line._port._serial.in_waiting == 8, "8 bytes arrived")
            play.clock.move(3.0)
        if "6" in play.values():
            stop.set()

    line = Line("riser", cable.settings(), {"gauge": stream}, put, play.clock)
    line.run(play.stop)
    assert play.values() == ["1", "6"]
    (gap,) = play.notices("overrun")
    assert gap.subject == "gauge"
    assert "busy for 3.0 s; 8 bytes discarded, a gap in the series" in gap.detail
    assert play.drops() == ["overrun"]


def test_an_overrun_while_telling_of_an_overrun_is_told_too(play: Play) -> None:
    play.put_takes_s = [3.0, 3.0, 0.0]
    line = play.line(Stream(play, [b"$1*"]))
    play.stop_when = lambda: len(play.notices("overrun")) == 2
    line.run(play.stop)
    assert play.drops() == ["overrun"] * 2


def test_a_short_wait_for_the_bus_loses_nothing(play: Play) -> None:
    play.put_takes_s = [0.5]
    play.stop_when = lambda: play.values() == ["1", "2"]
    play.line(Stream(play, [b"$1*", b"$2*"]), overrun_s=0.5).run(play.stop)
    assert play.notices() == []
    assert play.drops() == []


def test_a_silent_stream_is_lost_and_back_each_once(cable: PtyPair, running) -> None:
    """No line for 5 s of hub time is a loss; the next line ends it; no value is sent again."""
    play = Play(cable, HandClock())
    line = play.line(Stream(play, [b"$1*"]))
    running(play, line)
    wait_until(lambda: play.values() == ["1"], "the first reading")
    play.clock.move(4.9)
    play.clock.move(0.2)
    wait_until(lambda: bool(play.notices()), "the loss")
    assert line.status()["gauge"].state == "lost"
    play.clock.move(60)
    cable.send(b"$2*")
    wait_until(lambda: len(play.values()) == 2, "the second reading")
    assert [n.what for n in play.notices()] == ["instrument_lost", "instrument_back"]
    assert play.notices()[0].detail.startswith("no reading for 5.")
    assert play.values() == ["1", "2"]


def test_garbage_is_no_reading_and_the_line_goes_on(cable: PtyPair, running) -> None:
    play = Play(cable, HubClock())
    running(play, play.line(Stream(play, [bytes(range(256)).replace(b"*", b"") * 8, b"*$1*"])))
    wait_until(lambda: play.values() == ["1"], "the reading behind the garbage")


def test_unplugged_in_mid_frame_and_replugged_no_halves_are_glued(cable: PtyPair, running) -> None:
    """The cable is pulled inside a frame, again and again; the port comes back by itself.

    Every reading is one that was sent whole: the head sent before and the tail sent after would
    make 77.
    """
    play = Play(cable, HubClock())
    running(play, play.line(Stream(play)))
    threads = threading.active_count()
    for cycle in range(1, 16):

        def heard(value: str = str(cycle)) -> bool:
            cable.send(b"7*$" + value.encode() + b"*")
            return value in play.values()

        wait_until(heard, f"a reading after replug {cycle}")
        cable.send(b"$7")
        cable.unplug()
        wait_until(lambda n=cycle: len(play.notices("port_lost")) == n, f"port_lost {cycle}")
        cable.replug()
    assert set(play.values()) == {str(cycle) for cycle in range(1, 16)}
    assert threading.active_count() == threads


# ---------------------------------------------------------------------- stopping


@pytest.mark.parametrize("kind", ["polling", "streaming", "no port"])
def test_the_thread_ends_within_a_second_of_stop(cable: PtyPair, kind: str) -> None:
    """In a wait between polls, in a read, or in the back-off of a port that is not there."""
    play = Play(cable, HubClock())
    if kind == "polling":
        slow = Poll(play, "g", always("7"))
        slow.poll_every_s = 3600.0
        line = play.line(slow)
    else:
        line = play.line(Stream(play))
    if kind == "no port":
        cable.unplug()
    thread = threading.Thread(target=line.run, args=(play.stop,))
    thread.start()
    if kind == "streaming":
        wait_until(lambda: line._port._serial is not None, "the port is open")
    else:
        wait_until(lambda: bool(play.items), "it runs")
    play.stop.set()
    thread.join(1.0)
    ended = not thread.is_alive()
    thread.join()
    assert ended
