"""A foreman on a real ledger, and a clock moved by hand: a running hub in one thread."""

import base64
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

import orjson

from hub.commands import Commands
from hub.desk import Desk
from hub.doing import Doing
from hub.foreman import JobDoor
from hub.happenings import news_event
from hub.ledger import Entry, Ledger, LedgerReader, Transaction, encode_block
from hub.measuring import measure
from hub.model import Intake, Reading
from hub.once import Once
from hub.outbox import Outbox
from hub.register_commands import Registers
from hub.registry import Registry
from hub.rulepack import load_pack
from hub.second import SecondDoor
from hub.testing import HandClock
from tests.job_rig import NOON_US

PHOTO: Final = b"\xff\xd8\xff\xe0 a picture"
PHOTO_SHA: Final = sha256(PHOTO).hexdigest()
GAUGE: Final[Mapping[str, Any]] = {
    "name": "pm-1", "quantity": "pressure", "unit": "Pa", "range_pa": 20000, "resolution_pa": 1,
    "calibrated_until": "2027-03-31", "zero_before_pa": 0,
}  # fmt: skip
DETECTOR: Final[Mapping[str, Any]] = {
    "name": "gd-1", "quantity": "gas", "unit": "%LEL", "range_pct_lel": 100,
    "lel_basis_pct_vol": Decimal("4.4"), "t90_s": 15, "calibrated_until": "2027-03-31",
}  # fmt: skip
SAMPLER: Final[Mapping[str, Any]] = {
    "name": "gs-1", "quantity": "gas", "unit": "%vol", "range_pct_vol": 100,
    "calibrated_until": "2027-03-31",
}  # fmt: skip
LASER: Final[Mapping[str, Any]] = {
    "name": "lm-1", "quantity": "gas_path", "unit": "ppm.m", "calibrated_until": "2027-03-31",
}  # fmt: skip
STAFF: Final[Sequence[Mapping[str, Any]]] = (
    {
        "id": "T-1",
        "certificates": {
            role: {"number": "C-1", "until": "2027-06-30"}
            for role in ("purge", "inspection", "repair")
        },
    },
    {"id": "T-2", "certificates": {"purge": {"number": "C-2", "until": "2026-11-23"}}},
    {"id": "S-1", "supervisor": True},
)


LOOKS_AFTER: Final = 10
"""Readings of a hold between two looks at it, as when a hub's commit takes several at once."""


class Yard:
    """State folder, desk and foreman; `again` is a start after a kill: nothing is carried over."""

    def __init__(self, folder: Path, pack: str = "example_city", at_us: int = NOON_US) -> None:
        self.folder = folder
        self.clock = HandClock(at_us)
        self.pack = load_pack(pack).lean()
        self.told: list[dict[str, Any]] = []
        self._start()

    def _start(self) -> None:
        self.registry = Registry([])
        self.ledger = Ledger.open(self.folder, self.clock, "gw-test")
        facts: dict[str, Mapping[str, Any]] = {}
        doing = Doing(self.submit)
        self.desk = Desk(self.registry, self.pack, facts)
        self.jobs = JobDoor(self.desk, self.pack, self.folder, self.clock, self._tell)
        registers = Registers(facts, doing, self.clock)
        with LedgerReader(self.folder) as reader:
            registers.restore(reader)
            self.desk.restore(reader)
            self.jobs.restore(reader)
        outbox = Outbox([], self.folder, self.submit, self.clock)
        commands = Commands(
            self.desk, outbox, self.registry, self.clock, doing, dict, tell=self._tell
        )
        second = SecondDoor(self.folder, self.registry, self.clock, doing)
        doors = (
            commands.table(),
            self.jobs.table(doing, commands.strangers),
            second.table(),
            registers.table(),
        )
        self.commands = {name: do for door in doors for name, do in door.items()}
        self.commands |= Once(self.commands, doing, self.clock).table()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()

    def again(self) -> None:
        self.ledger.close()
        self._start()

    def _tell(self, tx: Transaction, body: Mapping[str, Any], entry: int) -> None:
        self.told.append(orjson.loads(news_event("gw-test", body, entry, tx.checkpoint()).body))

    def submit(self, act: Callable[[Transaction], Any]) -> "Future[Any]":
        done: Future[Any] = Future()
        with self.ledger.transaction() as tx:
            done.set_result(act(tx))
        return done

    def do(self, what: str, /, **request: Any) -> Any:
        return self.commands[what](request)

    def staffed(self) -> Self:
        for one in STAFF:
            self.do("staff.put", text=orjson.dumps(one).decode())
        return self

    def photo(self, data: bytes = PHOTO) -> str:
        digest = sha256(data).hexdigest()
        self.do(
            "file.put", sha256=digest, size=str(len(data)), base64=base64.b64encode(data).decode()
        )
        return digest

    def open(self, order: Mapping[str, Any], by: str = "office") -> Any:
        return self.do("job.open", text=orjson.dumps(order, default=str).decode(), by=by)

    def step(self, number: str, step: str, /, by: str = "T-1", **answers: Any) -> Any:
        """Do a step that must be allowed."""
        answer = self.do("job.do", number=number, step=step, by=by, answers=answers)
        assert answer["done"], (step, [one["text"]["en"] for one in answer["refusals"]])
        return answer

    def refused(self, number: str, step: str, /, by: str = "T-1", **answers: Any) -> list[Any]:
        """Try a step that must be refused: (key, clause) of each reason."""
        answer = self.do("job.do", number=number, step=step, by=by, answers=answers)
        assert not answer["done"], step
        return [(one["key"], one["clause"]) for one in answer["refusals"]]

    def show(self, number: str, by: str = "T-1") -> Any:
        return self.do("job.show", number=number, by=by)

    def wait(self, s: float) -> None:
        self.clock.move(s)

    def turn(self) -> None:
        """What the judging thread does between two readings."""
        now_us = self.clock.now_us()
        rulings = self.desk.review(now_us)
        if rulings or self.jobs.is_due(now_us):
            with self.ledger.transaction() as tx:
                for ruling in rulings:
                    self.jobs.decided(tx, self.desk.record(tx, ruling, now_us), now_us)
                if self.jobs.is_due(now_us):
                    self.jobs.advance(tx, now_us)

    def read(
        self, name: str, value: str, unit: str, quantity: str, *, looks: bool = True, **more: Any
    ) -> None:
        """One reading, recorded and shown to everybody. *looks*: whether it is judged at once."""
        now_us = self.clock.now_us()
        reading: Reading = measure(
            instrument=name, quantity=quantity, value=value, unit=unit, at_us=now_us,
            **{"serial": f"S-{name}", **more},
        )  # fmt: skip
        intake = Intake(f"wire {name}", value.encode(), now_us, (reading,))
        with self.ledger.transaction() as tx:
            tx.append("readings", encode_block([intake]), now_us)
        self.desk.observe([intake])
        self.jobs.look([intake])
        if looks:
            self.turn()

    def event(self, number: str, word: str, **more: str) -> None:
        self.do("order.event", number=number, word=word, **more)
        self.turn()

    def hold(
        self, number: str, step: str, pa: float = 5200, drop_pa: float = 0, *,
        every_s: int = 1, vent_after_s: int = 4000,
    ) -> str:  # fmt: skip
        """A whole hold test; returns its verdict. *drop_pa*: in 1,000 s."""
        attempt = self.step(number, step)["attempt"]
        self.event(number, "zeroed", instrument="pm-1")
        for _ in range(5):
            self.read("pm-1", "0", "Pa", "pressure")
            self.wait(1)
        self.event(number, "pump_on")
        for at in range(1, 11):
            self.read("pm-1", str(round(pa * at / 10)), "Pa", "pressure")
            self.wait(1)
        self.event(number, "pump_off")
        for at in range(0, 4000, every_s):
            if vent_after_s <= at < vent_after_s + every_s:
                self.event(number, "vent_open")
            fallen = drop_pa * at / 1000
            shown = 0 if at >= vent_after_s else round(pa - fallen) + at // every_s % 2
            looks = at // every_s % LOOKS_AFTER == 0  # each look judges all rows anew
            self.read("pm-1", str(shown), "Pa", "pressure", looks=looks)
            self.wait(every_s)
            if looks and (verdict := self.verdict(attempt)):
                return verdict
        raise AssertionError("no verdict after 4,000 s")

    def air(self, number: str, step: str, pct_lel: str = "0.0") -> str:
        """A check of the air at three points; returns its verdict."""
        attempt = self.step(number, step)["attempt"]
        self.event(number, "zeroed", instrument="gd-1")
        for point in ("ceiling", "suspect", "door"):
            self.event(number, "point", point=point)
            for _ in range(75):
                self.wait(1)
                self.read("gd-1", pct_lel, "%LEL", "gas", lel_basis_pct_vol="4.4")
                if verdict := self.verdict(attempt):
                    return verdict
        self.event(number, "close")
        return self.verdict(attempt)

    def samples(self, number: str, step: str, pct_vol: str = "96.0") -> str:
        """Three samples, five minutes apart; returns the verdict."""
        attempt = self.step(number, step)["attempt"]
        self.event(number, "zeroed", instrument="gs-1")
        for _ in range(3):
            self.event(number, "point", point="vent")
            self.read("gs-1", pct_vol, "%vol", "gas")
            self.wait(301)
            self.turn()
        if not self.verdict(attempt):
            self.event(number, "close")
        return self.verdict(attempt)

    def screen(self, number: str, step: str, ppm_m: str = "64") -> str:
        """An outdoor laser screen of one door, three sweeps; returns the verdict."""
        attempt = self.step(number, step)["attempt"]
        self.event(number, "self_test_ok", instrument="lm-1")
        for point, shown in (("background", "60"), *((f"door#{at}", ppm_m) for at in (1, 2, 3))):
            self.event(number, "point", point=point)
            for at in range(14):
                self.wait(1)
                self.read("lm-1", str(int(shown) + at % 3), "ppm.m", "gas_path")
        self.event(number, "close")
        return self.verdict(attempt)

    def verdict(self, attempt: str) -> str:
        row = self.ledger_sql("SELECT verdict FROM attempts WHERE id=?", attempt)
        return row[0][0] or ""

    def ledger_sql(self, query: str, *values: object) -> list[Any]:
        with LedgerReader(self.folder) as reader:
            return reader.rows(query, values)

    def entries(self, *kinds: str) -> list[Entry]:
        with LedgerReader(self.folder) as reader:
            return list(reader.entries(kinds=kinds or None))


def purge_order(number: str = "2026-2001", **changes: Any) -> dict[str, Any]:
    return {
        "number": number,
        "job": "residential_purge",
        "user_class": "residential",
        "facts": {"new_user": "yes", "instruction": "WI-1"},
        "sections": {"riser": "A-7-2", "indoor": "A-7-2-301"},
        "customer": {
            "user_no": "8800123456", "name": "张小明", "phone": "13812345678",
            "address": "幸福路 7 号", "building": "7 栋", "unit": "2 单元", "room": "301",
            "meter_no": "M0099887766",
        },
        "tests": {
            "riser_hold": {"p_design_pa": 5000, "medium": "air", "instruments": [dict(GAUGE)]},
            "indoor_hold": {"medium": "air", "instruments": [dict(GAUGE)]},
            "samples": {"medium": "air", "instruments": [dict(SAMPLER)]},
        },
        "watch": ["line-1"],
        **changes,
    }  # fmt: skip
