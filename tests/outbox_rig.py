"""What the tests of the outbox share: a real ledger and outbox, and a sink that does as told."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel

from hub.clock import HandClock
from hub.ledger import LedgerReader
from hub.model import Delivery, Parcel, Sink, Site
from hub.outbox import Consignee, Outbox
from hub.simulate.scribe import Scribe
from hub.testing import wait_until
from plugins.crm.settings import CrmSettings
from plugins.crm.sink import Crm

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
LOOPBACK = ("127.0.0.0/8", "::1/128")
Answers = Callable[[Sequence[Parcel], str], Delivery]


def take(parcels: Sequence[Parcel], batch: str) -> Delivery:
    return Delivery(taken={parcel.id: f"r-{parcel.key}" for parcel in parcels})


class ObedientSink:
    """A sink that remembers what it was shown, and answers as the test says."""

    def __init__(self, answer: Answers = take) -> None:
        self.answer = answer
        self.seen: list[tuple[str, tuple[Parcel, ...]]] = []
        self.opened = 0

    def open(self) -> None:
        self.opened += 1

    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery:
        self.seen.append((batch, tuple(parcels)))
        return self.answer(parcels, batch)

    def close(self) -> None:
        """Nothing to let go."""

    @property
    def orders(self) -> list[str]:
        return [parcel.order for _, parcels in self.seen for parcel in parcels]


class Rig:
    """A ledger, a judging thread, and an outbox over the sinks of a test."""

    def __init__(self, state_dir: Path) -> None:
        self.clock = HandClock()
        self.scribe = Scribe(state_dir, self.clock)
        self.outbox: Outbox | None = None

    def __enter__(self) -> Self:
        self.scribe.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.scribe.__exit__()

    def build(self, sinks: Mapping[str, tuple[Sink, BaseModel]]) -> Outbox:
        consignees = [Consignee(name, *given) for name, given in sinks.items()]
        self.outbox = Outbox(consignees, self.scribe.state_dir, self.scribe.submit, self.clock)
        self.scribe.outbox = self.outbox
        return self.outbox

    def stop(self) -> None:
        if self.outbox is not None:
            assert self.outbox.stop(10) == []
            self.scribe.outbox = self.outbox = None

    def sql(self, query: str) -> list[tuple[object, ...]]:
        with LedgerReader(self.scribe.state_dir) as reader:
            return reader.sql.execute(query).fetchall()

    def states(self) -> dict[str, int]:
        return {
            str(state): int(str(count))
            for state, count in self.sql("SELECT state, COUNT(*) FROM parcels GROUP BY state")
        }

    def until(self, **states: int) -> None:
        wait_until(lambda: self.states() == states, f"{states}, got {self.states()}")

    def shown(self, sink: ObedientSink, times: int) -> None:
        """Let time pass until the sink has been asked so often, back-offs included."""

        def asked() -> bool:
            self.clock.move(20)
            return len(sink.seen) >= times

        wait_until(asked, f"{times} deliveries")

    def notices(self) -> list[tuple[str, str]]:
        with LedgerReader(self.scribe.state_dir) as reader:
            found = [json.loads(e.body or b"") for e in reader.entries(kinds=("notice",))]
        return [(notice["subject"], notice["what"]) for notice in found]


def crm(url: str, **given: Any) -> tuple[Crm, CrmSettings]:
    settings = CrmSettings.model_validate(
        {
            "url": url,
            "secrets": ("sign",),
            "allow_plain_http": True,
            "answer_within_s": 5,
            "lan": LOOPBACK,
        }
        | given
    )
    return Crm("crm", settings, Site("gw", HandClock(), lambda _: SECRET)), settings


def parcel(order: str = "A") -> Parcel:
    body = json.dumps({"subject": order}).encode()
    return Parcel("P1", "crm", "E1-crm", order, "verdict", body, 0)


def deliver(sink: Crm) -> Delivery:
    sink.open()
    try:
        return sink.deliver([parcel()], "P1")
    finally:
        sink.close()
