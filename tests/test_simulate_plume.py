"""Simulated gas in the air: rooms clear, vents fill, a laser crosses a plume once a sweep."""

import pytest

from hub.simulate.plume import Mix, MixFacts, Path, PathFacts, climate

START_US = 1_790_000_000_000_000


def at(s: float) -> int:
    return START_US + round(s * 1e6)


def test_a_ventilated_room_clears() -> None:
    """From 1.5 %vol (34 % LEL on 4.4) to below 20 % LEL within one time constant."""
    room = Mix(MixFacts(start_pct_vol=1.5, towards_pct_vol=1.5, change_s=60), START_US)
    room.advance(at(100))
    assert room.pct_vol == pytest.approx(1.5)
    room.settle(0.1)
    room.advance(at(160))
    assert room.pct_vol == pytest.approx(0.1 + 1.4 * 0.3679, rel=0.001)


def test_a_purge_reaches_ninety_percent() -> None:
    """Gas towards 97 %vol passes 90 after ln(97/7) = 2.6 time constants, not before."""
    vent = Mix(MixFacts(start_pct_vol=0, towards_pct_vol=97, change_s=100), START_US)
    vent.advance(at(260))
    assert vent.pct_vol < 90
    vent.advance(at(270))
    assert vent.pct_vol > 90


def test_a_moved_probe_sees_the_other_place_at_once() -> None:
    """Fresh air for the zero: no time constant between two places."""
    probe = Mix(MixFacts(start_pct_vol=1.5, towards_pct_vol=1.5), START_US)
    probe.jump(0)
    probe.advance(at(1))
    assert probe.pct_vol == 0


@pytest.mark.parametrize("pct_vol", [0.0, 100.0])
def test_a_detector_never_shows_what_cannot_be(pct_vol: float) -> None:
    """Noise takes no display below nothing or above pure gas."""
    mix = Mix(MixFacts(start_pct_vol=pct_vol, towards_pct_vol=pct_vol, noise_pct_vol=1), START_US)
    for s in range(100):
        mix.advance(at(s))
        assert 0 <= mix.shown_pct_vol() <= 100


def test_the_background_grows_with_the_distance() -> None:
    """About 1.95 ppm x metres (b.5): 59 ppm·m at 30 m, 98 at 50 m."""
    for distance_m, background in ((30, 58.5), (50, 97.5)):
        path = Path(PathFacts(distance_m=distance_m, noise_ppm_m=0), START_US)
        assert path.shown_ppm_m() == pytest.approx(background)


def test_each_sweep_crosses_the_plume_once() -> None:
    """Least at both ends of a sweep, most in its middle, and the same in the next one."""
    path = Path(PathFacts(distance_m=30, noise_ppm_m=0, sweep_s=6), START_US)
    path.aim(180)
    shown = []
    for s in range(12):
        path.advance(at(s))
        shown.append(path.shown_ppm_m())
    assert max(shown) == shown[3] == pytest.approx(58.5 + 180)
    assert shown[0] < 58.5 + 10
    assert shown[6:] == pytest.approx(shown[:6])


def test_aiming_away_leaves_the_background() -> None:
    """No plume in the beam, no excess."""
    path = Path(PathFacts(distance_m=30, noise_ppm_m=0), START_US)
    path.aim(180)
    path.aim(0)
    path.advance(at(3))
    assert path.shown_ppm_m() == pytest.approx(58.5)


def test_a_calm_day_stays_within_its_sensors() -> None:
    """Over half an hour neither temperature nor barometer moves more than a few of its u."""
    days = [climate(at(s)) for s in range(0, 1800, 7)]
    assert all(abs(degc - 20) < 0.02 for degc, _ in days)
    assert all(abs(pa - 101_325) < 12 for _, pa in days)
