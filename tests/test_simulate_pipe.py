"""The simulated pipe behaves as domain part b.4 computes a closed pipe to behave."""

from decimal import Decimal

import pytest

from hub.simulate.pipe import Pipe, PipeFacts

START_US = 1_790_000_000_000_000


def at(s: float) -> int:
    return START_US + round(s * 1e6)


def pumped(facts: PipeFacts, target_pa: float = 5200, held_s: float = 60) -> tuple[Pipe, float]:
    """A pipe that was pumped and whose pump is off again, and the second at which it went off."""
    pipe = Pipe(facts, START_US)
    pipe.pump(target_pa)
    pipe.advance(at(held_s))
    pipe.pump_off()
    return pipe, held_s


def test_a_vented_pipe_rests_at_zero() -> None:
    """Zero is where the gauge is set: vented, it shows nothing but its own offset and noise."""
    pipe = Pipe(PipeFacts(zero_pa=3, noise_pa=0), START_US)
    pipe.advance(at(10))
    assert pipe.gauge_pa == pytest.approx(0, abs=0.01)
    assert pipe.shown_pa() == 3


def test_a_tight_pipe_keeps_its_pressure_once_cool() -> None:
    """After five time constants of cooling, a quarter of an hour changes less than 1 Pa."""
    pipe, off_s = pumped(PipeFacts(cooling_s=25), held_s=200)
    pipe.advance(at(off_s + 60))
    before_pa = pipe.gauge_pa
    pipe.advance(at(off_s + 960))
    assert before_pa == pytest.approx(5200, abs=10)
    assert before_pa - pipe.gauge_pa < 1


def test_fast_pumping_heats_and_the_pressure_sags_as_it_cools() -> None:
    """Pumped in half a second, up to 29 % of the gauge pressure is lost to cooling (b.4)."""
    pipe, off_s = pumped(PipeFacts(pump_pa_s=10_400, cooling_s=25), held_s=0.5)
    assert pipe.gas_degc == pytest.approx(24.1, abs=0.2)
    pipe.advance(at(off_s + 300))
    assert 3600 < pipe.gauge_pa < 3800
    assert pipe.gas_degc == pytest.approx(20, abs=0.01)


@pytest.mark.parametrize(
    ("volume_l", "leak_l_h", "s", "drop_pa"),
    [
        pytest.param(30, 1, 900, 844, id="30 l, 15 min"),
        pytest.param(100, 1, 900, 253, id="100 l, 15 min"),
        pytest.param(2, 0.01, 300, 42, id="2 l, 5 min"),
    ],
)
def test_a_leak_costs_what_the_table_says(
    volume_l: float, leak_l_h: float, s: float, drop_pa: float
) -> None:
    """Drop per leak of b.4; a tenth of it is allowed, as the leak here fades with pressure."""
    pipe, off_s = pumped(
        PipeFacts(volume_l=volume_l, leak_l_h=leak_l_h, cooling_s=1), target_pa=5000, held_s=100
    )
    before_pa = pipe.gauge_pa
    pipe.advance(at(off_s + s))
    assert before_pa - pipe.gauge_pa == pytest.approx(drop_pa, rel=0.1)


def test_the_barometer_moves_the_gauge_the_other_way() -> None:
    """In a sealed pipe 1 hPa/h more outside is 25 Pa less on the gauge in 15 min (b.4)."""
    pipe, off_s = pumped(PipeFacts(cooling_s=1, barometer_pa_h=100), held_s=100)
    before_pa = pipe.gauge_pa
    pipe.advance(at(off_s + 900))
    assert before_pa - pipe.gauge_pa == pytest.approx(25, abs=1)


def test_warming_raises_it_by_363_pa_per_kelvin() -> None:
    """(p_atm + p) / T at 5 kPa and 20 degC."""
    pipe, off_s = pumped(PipeFacts(cooling_s=1, warming_k_h=1), target_pa=5000, held_s=100)
    before_pa = pipe.gauge_pa
    pipe.advance(at(off_s + 3600))
    assert pipe.gauge_pa - before_pa == pytest.approx(363, rel=0.02)


def test_letting_off_takes_seconds() -> None:
    """Vented, the pressure is below a tenth within 30 s, as row 6 of the decision expects."""
    pipe, off_s = pumped(PipeFacts())
    pipe.vent()
    pipe.advance(at(off_s + 5))
    assert pipe.gauge_pa < 10


@pytest.mark.parametrize("resolution_pa", [Decimal("0.1"), Decimal(1), Decimal(10)])
def test_the_gauge_shows_whole_steps(resolution_pa: Decimal) -> None:
    """No display shows what lies between two steps of it."""
    pipe, off_s = pumped(PipeFacts(resolution_pa=resolution_pa))
    for s in range(50):
        pipe.advance(at(off_s + s))
        assert pipe.shown_pa() % resolution_pa == 0


def test_noise_is_there_and_comes_again_with_the_same_seed() -> None:
    """A gauge without noise would look frozen; two runs of one seed are the same run."""

    def series(seed: int) -> list[Decimal]:
        pipe, off_s = pumped(PipeFacts(noise_pa=1, seed=seed), held_s=200)
        shown = []
        for s in range(60):
            pipe.advance(at(off_s + s))
            shown.append(pipe.shown_pa())
        return shown

    assert series(1) == series(1)
    assert series(1) != series(2)
    assert len(set(series(1))) >= 3


def test_time_in_small_steps_and_in_one_comes_to_the_same() -> None:
    """Polled every second or not at all, the pipe is the same pipe."""
    often, off_s = pumped(PipeFacts(leak_l_h=0.2))
    once, _ = pumped(PipeFacts(leak_l_h=0.2))
    for s in range(1, 301):
        often.advance(at(off_s + s))
    once.advance(at(off_s + 300))
    assert often.gauge_pa == pytest.approx(once.gauge_pa, abs=0.5)


def test_time_never_runs_back() -> None:
    """An instant before the last changes nothing."""
    pipe, off_s = pumped(PipeFacts(leak_l_h=1))
    before_pa = pipe.gauge_pa
    pipe.advance(at(off_s - 30))
    assert pipe.gauge_pa == before_pa
