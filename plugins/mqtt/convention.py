"""What a message of a convention comes to, and the memory that conventions share.

A plain decoder depends on one message alone. A convention also says who is there, what is stale,
and which name a number stands for, in messages of their own; so its decoder remembers.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from hub import BadFrame, Reading
from plugins.mqtt.facts import text
from plugins.mqtt.strict_json import loads

KEPT_MOST = 10_000
"""Names that are remembered; what comes beyond is refused, so that memory cannot grow."""


class Heard(NamedTuple):
    """What one message comes to.

    readings  its readings
    faults    one complaint for each part of it that should have been one and is not
    news      (what, detail) of notices for the record
    dropped   the name of the drop, when it has neither reading nor fault
    commands  (topic, payload) to publish: questions only, never a setting of a device
    """

    readings: Sequence[Reading] = ()
    faults: Sequence[str] = ()
    news: Sequence[tuple[str, str]] = ()
    dropped: str = "not_mapped"
    commands: Sequence[tuple[str, bytes]] = ()


class Convention(Protocol):
    """`hear` raises BadFrame when nothing in the message can be read.

    A *retained* message is the broker's memory: it may tell a state, and is never a reading.
    `forget` is called when the connection is lost: from then on anything may have been missed.
    """

    stands_alone: bool
    """Whether a message with readings means the same without those before it."""
    wants_retained: bool
    """Whether states are retained, so that the broker must be asked for them at each connection."""

    def hear(self, topic: str, payload: bytes, at_us: int, *, retained: bool) -> Heard: ...
    def forget(self) -> None: ...


class Presence:
    """Who has said, or of whom the broker has said, that it is there or gone."""

    def __init__(self) -> None:
        self._online: dict[str, bool] = {}

    def hear(self, name: str, payload: bytes) -> Heard:
        """Takes `online` and `offline` in any case, as text or as `{"state": ...}`.

        A notice tells each change, and at first only that somebody is gone. raises BadFrame
        """
        word = _word(payload)
        if word not in {"online", "offline"}:
            raise BadFrame(f"{name}: {word[:40]!r} is neither online nor offline")
        online, before = word == "online", self._online.get(name)
        if before is None and len(self._online) >= KEPT_MOST:
            raise BadFrame(f"{name}: more than {KEPT_MOST} names tell whether they are there")
        self._online[name] = online
        changed = online is not before and not (online and before is None)
        what = "device_online" if online else "device_offline"
        return Heard(news=[(what, name)] if changed else (), dropped="availability")


def _word(payload: bytes) -> str:
    if payload.startswith(b"{"):
        body: Any = loads(payload)
        return text(body.get("state"), "state").lower()
    return plain_text(payload).lower()


def plain_text(payload: bytes) -> str:
    """A payload that is text. raises BadFrame for other bytes"""
    try:
        return payload.decode()
    except UnicodeDecodeError as fault:
        raise BadFrame(f"not UTF-8 at byte {fault.start}") from None


def level(topic: str, source: str) -> str:
    """What stands at *source*: `topic:N`, the level of the topic counted from 1, or `const:TEXT`.

    raises  BadFrame when the topic has no such level
    """
    kind, _, named = source.partition(":")
    if kind == "const":
        return named
    levels = topic.split("/")
    if int(named) > len(levels):
        raise BadFrame(f"{topic!r} has no level {named} to name the instrument")
    return levels[int(named) - 1]
