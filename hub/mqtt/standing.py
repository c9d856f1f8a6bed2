"""How a broker link stands, and what is said about it: each change once, and a suspicion by name.

While connections come and go (`hub.mqtt.steady`), a connection is no return yet: nothing is said
until one has lasted, so that two clients at war over a session do not fill the record.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from hub.model import LinkState
from hub.mqtt.reasons import TAKEN_OVER, same_name
from hub.mqtt.steady import LASTS_AFTER_S, SUSPECT_AFTER, Steadiness


class News(NamedTuple):
    """A change of the link's state.

    what  link_lost, link_refused, link_unstable, link_back, session_new, session_lost,
          subscription_refused or protocol_311
    """

    what: str
    detail: str


class Standing:
    """The state of one link over all its connections. Written by one thread; ages in seconds."""

    def __init__(
        self, address: str, client_id: str, longest_pause_s: float, now_us: Callable[[], int]
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._now_us = now_us
        self._steady = Steadiness(longest_pause_s)
        self._said: set[str] = set()
        self._ever = False
        self.news: deque[News] = deque()
        self.state = LinkState("connecting", now_us(), broker=address, client_id=client_id)
        """Replaced as a whole: any thread may look at it."""

    def opened(self) -> None:
        self._stand("connecting")

    def closed(self) -> None:
        """We closed it ourselves."""
        self._stand("down", "closed by the hub")

    def connected(self, *, session_present: bool) -> None:
        self._stand("connected", self._suspicion(), session_present)
        self.lasts(0.0)

    def lasts(self, age_s: float) -> None:
        """The connection stands, and is so old: say that the link is back, once it counts."""
        if self._steady.lasted(age_s) and self._said:
            self._said.clear()
            self.say("link_back", f"{self._address} answers again")
            self._stand("connected")

    def session(self, *, present: bool) -> None:
        """Say when the broker kept nothing for us; while connections come and go, say it once."""
        what, self._ever = "session_lost" if self._ever else "session_new", True
        if present:
            return
        if self._steady.unsteady:
            if what in self._said:
                return
            self._said.add(what)
        self.say(
            what,
            f"the broker holds no session for {self._client_id}: what was published while we "
            "were away, and not yet taken by us, is not coming",
        )

    def lost(
        self, why: str, *, age_s: float | None, refused: bool, taken_over: bool
    ) -> tuple[str, float]:
        """There is no connection. Returns why, with what is suspected, and how long to wait.

        age_s  how old the connection became; None when there was none
        """
        if age_s is not None:
            self._steady.ended(age_s, taken_over=taken_over)
        self._once("link_refused" if refused or taken_over else "link_lost", why)
        suspicion = self._suspicion()
        if self._steady.short >= SUSPECT_AFTER:
            self._once("link_unstable", suspicion)
        if suspicion:
            why = suspicion if age_s is not None else f"{why}; before that, {suspicion}"
        self._stand("down", why)
        return why, self._steady.pause_s()

    def say(self, what: str, detail: str) -> None:
        self.news.append(News(what, detail))

    def _once(self, what: str, detail: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self.say(what, detail)

    def _suspicion(self) -> str:
        """What is wrong with the last connections, why most likely, and what to do; "" if nothing.

        It is kept until a connection has shown by its age that it was mended.
        """
        steady = self._steady
        if steady.taken:
            return (
                f"{self._address}: the broker gave our session to another client, "
                f"{_times(steady.taken)} (Session taken over, 0x{TAKEN_OVER:02X}): "
                f"{same_name(self._client_id)}"
            )
        if steady.short >= SUSPECT_AFTER:
            return (
                f"{self._address}: the connection ended {_times(steady.short)} in a row within "
                f"{LASTS_AFTER_S:g} s of connecting: most likely {same_name(self._client_id)}; "
                "if each has, the broker's log says why"
            )
        return ""

    def _stand(self, state: str, why: str = "", session_present: bool | None = None) -> None:
        was = self.state
        self.state = was._replace(
            state=state,
            since_us=was.since_us if was.state == state else self._now_us(),
            why=why,
            session_present=was.session_present if session_present is None else session_present,
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
