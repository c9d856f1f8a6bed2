"""What the MQTT tests share: a publisher that knows what the broker has, and a link under test."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from hub import Intake, Notice, Reading, Site
from hub.clock import HubClock
from hub.testing import wait_until
from plugins.mqtt.driver import MqttDriver
from plugins.mqtt.settings import MqttSettings

PLAIN = {"filter": "gas/+", "decoder": "plain_json"}
LONG_S = 30.0


def body(seq: int, value: str = "12.5", instrument: str = "g-1", **more: str) -> bytes:
    """A plain JSON message; *more* are further members, already JSON."""
    members = {
        "instrument": f'"{instrument}"',
        "quantity": '"gas"',
        "value": value,
        "unit": '"%LEL"',
        "seq": str(seq),
        **more,
    }
    return ("{" + ",".join(f'"{key}":{text}' for key, text in members.items()) + "}").encode()


class Speaker:
    """Publishes at QoS 1 and returns when the broker has answered."""

    def __init__(self, port: int, client_id: str = "", **tls_or_login: Any) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        if "user" in tls_or_login:
            self._client.username_pw_set(tls_or_login["user"], tls_or_login["password"])
        self._client.max_inflight_messages_set(0)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, *payloads: bytes, topic: str = "gas/g-1", retain: bool = False) -> None:
        sent = [self._client.publish(topic, payload, 1, retain) for payload in payloads]
        for info in sent:
            info.wait_for_publish(LONG_S)
            assert info.is_published(), "the broker did not answer"


class Listener:
    """Subscribes at QoS 1 and keeps what comes; what the broker sends it again counts once."""

    def __init__(self, port: int, topic: str, client_id: str = "listener", **login: str) -> None:
        self.heard: list[bytes] = []
        subscribed = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False
        )
        if login:
            self._client.username_pw_set(login["user"], login["password"])
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = lambda _c, _u, message: self._hear(message)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_connect = lambda *_: self._client.subscribe(topic, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert subscribed.wait(LONG_S), "no answer to the subscription"

    def _hear(self, message: mqtt.MQTTMessage) -> None:
        if not (message.dup and message.payload in self.heard):
            self.heard.append(bytes(message.payload))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class LinkRig:
    """A driver without a hub: the test is the link's thread and says what is durable."""

    def __init__(
        self,
        port: int,
        topics: Sequence[Mapping[str, Any]] = (PLAIN,),
        secrets: Mapping[str, str] | None = None,
        settle: bool = True,
        **settings: Any,
    ) -> None:
        given = {"host": "127.0.0.1", "port": port, "retry_at_most_s": 1, "topics": topics}
        self.driver = MqttDriver(
            "field",
            MqttSettings.model_validate({**given, **settings}),
            Site("gw-test", HubClock(), lambda name: (secrets or {})[name]),
        )
        self.intakes: list[Intake] = []
        self.notices: list[Notice] = []
        self._settle = settle
        self._opened = False

    def __enter__(self) -> Self:
        if not self._opened:
            self.driver.open()
            self._opened = True
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.close()

    def turn(self) -> None:
        """One turn of the link's thread; what came is at once called durable, if so wished."""
        receipts = []
        for item in self.driver.read(0.02):
            if isinstance(item, Notice):
                self.notices.append(item)
                continue
            self.intakes.append(item)
            if item.receipt is not None:
                receipts.append(item.receipt)
        if self._settle and receipts:
            self.driver.settle(receipts)

    def settle_all(self) -> None:
        """Call everything durable that came so far."""
        self.driver.settle([i.receipt for i in self.intakes if i.receipt is not None])

    def run_until(self, condition: Callable[[], bool], what: str = "") -> None:
        def turned() -> bool:
            self.turn()
            return condition()

        # A look of ours takes a turn's time as well.
        wait_until(turned, what or "what the test waits for", LONG_S / 4)

    def run_past_backlog(self) -> None:
        """Until the link is sure that nothing comes from the broker's queue any more."""
        self.run_until(lambda: not self.driver._backlog.waiting, "the end of the backlog")

    def run_quiet(self, turns: int = 15) -> None:
        """Let whatever would still come, come; a broker also reads all that was sent to it."""
        for _ in range(turns):
            self.turn()
        if self.driver._link.connected:
            sync = self.driver._link.client.publish("rig/sync", b"", 1)
            self.run_until(sync.is_published, "the broker to have read everything")

    def subscribed(self) -> Self:
        """Open, and wait until the broker has a session with our subscription."""
        self.__enter__()
        self.run_until(lambda: self.said("session_new") or self.said("session_lost"))
        self.run_quiet(5)
        return self

    def said(self, what: str) -> bool:
        return any(notice.what == what for notice in self.notices)

    def detail(self, what: str) -> str:
        return next(notice.detail for notice in self.notices if notice.what == what)

    @property
    def readings(self) -> list[Reading]:
        return [reading for intake in self.intakes for reading in intake.readings]

    @property
    def seqs(self) -> list[int]:
        return [int(reading.seq) for reading in self.readings]

    @property
    def dead(self) -> list[str]:
        return [intake.dead for intake in self.intakes if intake.dead]

    @property
    def dropped(self) -> list[str]:
        return [intake.dropped for intake in self.intakes if intake.dropped]
