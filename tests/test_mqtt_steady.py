"""How pauses grow and when a link counts as back: figures only, no broker and no waiting."""

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.mqtt.reasons import LONGEST_SAID, PASSING, REMEDIES, TAKEN_OVER, in_words, remedy
from hub.mqtt.standing import Standing
from hub.mqtt.steady import FIRST_PAUSE_S, JITTER, LASTS_AFTER_S, Steadiness

MOST_S = 30.0
PEACE_S = 2 * MOST_S


def share(pause_s: float, of_s: float) -> bool:
    """Whether a pause is *of_s*, but for its jitter."""
    return JITTER[0] * of_s <= pause_s <= JITTER[1] * of_s


def test_pauses_grow_while_connections_do_not_last() -> None:
    """Each is twice the one before, up to the most; success alone does not shorten them."""
    steady, pauses = Steadiness(MOST_S), []
    for _ in range(12):
        steady.lasted(0.0)
        steady.ended(1.0, taken_over=False)
        pauses.append(steady.pause_s())

    wanted = [min(MOST_S, FIRST_PAUSE_S * 2**n) for n in range(12)]
    assert all(share(*pair) for pair in zip(pauses, wanted, strict=True)), pauses
    assert max(pauses) <= MOST_S


@pytest.mark.parametrize(("age_s", "of_s"), [(LASTS_AFTER_S, FIRST_PAUSE_S), (9.9, 4.0)])
def test_a_connection_that_lasted_makes_the_next_pause_short(age_s: float, of_s: float) -> None:
    """Ten seconds are enough, less is not."""
    steady = Steadiness(MOST_S)
    for _ in range(4):
        steady.pause_s()
    steady.ended(age_s, taken_over=False)

    assert share(steady.pause_s(), of_s)


def test_pauses_differ_so_that_two_rivals_do_not_keep_in_step() -> None:
    assert len({Steadiness(MOST_S).pause_s() for _ in range(50)}) > 25


def test_a_rival_with_the_same_pauses_is_not_mistaken_for_peace() -> None:
    """It leaves us alone for as long as its pause lasts; only twice that is peace."""
    steady = Steadiness(MOST_S)
    steady.ended(3600.0, taken_over=True)
    for _ in range(20):
        assert not steady.lasted(MOST_S)
        steady.ended(MOST_S, taken_over=True)
        pause_s = steady.pause_s()

    assert share(pause_s, MOST_S)
    assert not steady.lasted(PEACE_S - 1)
    assert steady.lasted(PEACE_S)
    assert share(steady.pause_s(), FIRST_PAUSE_S)


def standing() -> Standing:
    return Standing("broker:1883", "gw-7", MOST_S, lambda: 7)


def whats(link: Standing) -> list[str]:
    return [what for what, _ in link.news]


def break_off(link: Standing, *, taken_over: bool = False) -> None:
    link.connected(session_present=True)
    link.lost("broker:1883: gone", age_s=1.0, refused=False, taken_over=taken_over)


def test_a_link_that_comes_and_goes_is_reported_lost_then_unstable_and_then_no_more() -> None:
    """A thousand short connections are four lines in the record."""
    link = standing()
    for _ in range(1000):
        break_off(link)

    assert whats(link) == ["link_lost", "link_back", "link_lost", "link_unstable"]
    assert "3 times in a row within 10 s" in link.news[-1].detail
    assert '"gw-7"' in link.news[-1].detail
    assert "give each gateway its own client_id" in link.news[-1].detail
    assert "1000 times" in link.state.why


def test_the_suspicion_stays_in_sight_until_a_connection_has_lasted() -> None:
    """Connected again is not mended again: status says both, and `link_back` comes late."""
    link = standing()
    for _ in range(3):
        break_off(link)
    link.news.clear()
    link.connected(session_present=True)
    assert link.state.state == "connected"
    assert "gw-7" in link.state.why
    link.lasts(PEACE_S - 1)
    assert whats(link) == []
    link.lasts(PEACE_S)

    assert whats(link) == ["link_back"]
    assert link.state.why == ""


def test_a_session_that_a_rival_wipes_each_time_is_reported_lost_once() -> None:
    link = standing()
    for _ in range(100):
        link.connected(session_present=False)
        link.session(present=False)
        link.lost("gone", age_s=1.0, refused=False, taken_over=True)

    assert whats(link) == ["session_new", "link_refused", "session_lost", "link_unstable"]


def test_an_unreachable_broker_is_not_hidden_by_an_old_suspicion() -> None:
    """Both are said, what is wrong now first."""
    link = standing()
    for _ in range(3):
        break_off(link)
    why, _ = link.lost(
        "broker:1883: Connection refused", age_s=None, refused=False, taken_over=False
    )

    assert why.startswith("broker:1883: Connection refused; before that, ")
    assert "gw-7" in why


def test_since_is_the_moment_of_the_change_and_not_of_the_last_attempt() -> None:
    now = iter(range(100))
    link = Standing("broker:1883", "gw-7", MOST_S, lambda: next(now))
    for _ in range(5):
        link.lost("away", age_s=None, refused=False, taken_over=False)

    assert (link.state.state, link.state.since_us) == ("down", 1)


CODES = {
    packet: [
        code
        for code, names in ReasonCode.names.items()
        if code >= 0x80 and any(packet in packets for packets in names.values())
    ]
    for packet in (PacketTypes.CONNACK, PacketTypes.DISCONNECT)
}


@pytest.mark.parametrize("packet", [PacketTypes.CONNACK, PacketTypes.DISCONNECT])
def test_every_reason_is_named_in_words_with_its_number(packet: int) -> None:
    """All that MQTT 5 knows for these two packets."""
    assert len(CODES[packet]) > 15
    for code in CODES[packet]:
        words = in_words(ReasonCode(packet, identifier=code), None)
        assert words.endswith(f" (0x{code:02X})")
        assert words[0].isalpha()


def test_the_broker_s_own_words_are_passed_on_but_not_its_control_characters() -> None:
    """And no more of them than a line holds."""
    properties = Properties(PacketTypes.DISCONNECT)
    properties.ReasonString = "kicked\x1b[2J by \u4e00" + "x" * 1000
    words = in_words(ReasonCode(PacketTypes.DISCONNECT, identifier=0x98), properties)

    assert words.startswith('Administrative action (0x98), it says "kicked?[2J by \u4e00xxx')
    assert len(words) < LONGEST_SAID + 60


def test_what_passes_by_itself_is_not_also_what_somebody_must_mend() -> None:
    assert set(PASSING) & set(REMEDIES) == set()
    assert TAKEN_OVER not in {*PASSING, *REMEDIES}
    assert remedy(0x80) == ""
    assert "password_secret" in remedy(0x86)
