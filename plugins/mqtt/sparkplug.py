"""Sparkplug B 3.0: what a number is called is said at birth, and holds for that session only.

`spBv1.0/GROUP/VERB/NODE[/DEVICE]`. All messages of a node, its devices' included, share one count
of 0 to 255. After a hole in it, or without a birth, nothing of that node is read until it has been
born again, which is asked for by its command Node Control/Rebirth. Its death counts all the same.
Source: the Sparkplug 3.0 specification, chapters 4 and 6.
"""

from typing import NamedTuple

from hub import BadFrame, Reading, measure
from plugins.mqtt import sparkplug_wire as wire
from plugins.mqtt.convention import KEPT_MOST, Heard
from plugins.mqtt.facts import basis, text
from plugins.mqtt.settings import SparkplugB, ValueSettings

NODES_MOST = 1000
ASK_EVERY_US = 10_000_000
"""A node is asked for its birth this often at most."""

BIRTH_DEATH = "bdSeq"


class Known(NamedTuple):
    """A metric as its birth described it."""

    device: str
    name: str
    datatype: int | None


class Session:
    """What a node has said since its birth."""

    def __init__(self, bd_seq: int) -> None:
        self.bd_seq = bd_seq
        self.seq = 0
        self.whole = True
        """False: something of it was missed, so that only its death can be taken."""
        self.names: dict[tuple[str, str], Known] = {}
        self.aliases: dict[int, Known] = {}
        self.sent: dict[tuple[str, str], str] = {}
        """The newest number of each mapped metric, for the day it becomes stale."""

    def describe(self, device: str, metrics: tuple[wire.Metric, ...]) -> None:
        """Take the birth of the node ("") or of a device. raises BadFrame"""
        self.bury(device)
        for metric in metrics:
            known = Known(device, metric.name, metric.datatype)
            if not metric.name:
                raise BadFrame("a birth with a metric without a name")
            if (device, metric.name) in self.names or metric.alias in self.aliases:
                raise BadFrame(f"a birth that describes {metric.name[:40]!r} or its alias twice")
            if len(self.names) >= KEPT_MOST:
                raise BadFrame(f"a node with more than {KEPT_MOST} metrics")
            self.names[device, metric.name] = known
            if metric.alias is not None:
                self.aliases[metric.alias] = known

    def bury(self, device: str) -> None:
        """Forget what a device was said to have."""
        self.names = {at: known for at, known in self.names.items() if known.device != device}
        self.aliases = {at: known for at, known in self.aliases.items() if known.device != device}

    def find(self, device: str, metric: wire.Metric) -> Known | None:
        """None for a metric that no birth has described. raises BadFrame where it contradicts it"""
        aliased = None if metric.alias is None else self.aliases.get(metric.alias)
        known = self.names.get((device, metric.name)) if metric.name else aliased
        if known is None or known.device != device:
            return None
        if aliased not in {None, known}:
            raise BadFrame(f"{known.name[:40]!r} under the alias of another metric")
        if metric.datatype not in {None, known.datatype}:
            raise BadFrame(
                f"{known.name[:40]!r}: data type {metric.datatype}, another in its birth"
            )
        return known


class SparkplugDecoder:
    """The mapping, and the session of every node."""

    stands_alone = False
    wants_retained = False

    def __init__(self, mapping: SparkplugB) -> None:
        wire.messages()  # says now, not at the first message, that protobuf is missing
        self._mapping = mapping
        self._values = {value.key: value for value in mapping.values}
        self._basis = basis(mapping.lel_basis_pct_vol)
        self._sessions: dict[str, Session] = {}
        self._asked_us: dict[str, int] = {}
        self._unborn: set[str] = set()
        """Nodes that were asked because of a metric without a birth: once, and not for ever."""
        self._offline: set[str] = set()
        """Nodes and devices whose death was told, so that their return is told as well."""

    def hear(self, topic: str, payload: bytes, at_us: int, *, retained: bool) -> Heard:
        """raises  BadFrame when nothing in the message can be read"""
        match topic.split("/"):
            case ["spBv1.0", "STATE", *_]:
                return Heard(dropped="host_state")
            case ["spBv1.0", _, "NCMD", _] | ["spBv1.0", _, "DCMD", _, _]:
                return Heard(dropped="command")
            case ["spBv1.0", group, ("NBIRTH" | "NDEATH" | "NDATA") as verb, edge]:
                device = ""
            case ["spBv1.0", group, ("DBIRTH" | "DDEATH" | "DDATA") as verb, edge, device] if (
                device
            ):
                pass
            case _:
                raise BadFrame(f"{topic!r} is no topic of Sparkplug B")
        if retained:
            return Heard(dropped="retained")
        node = f"{group}/{edge}"
        if verb == "NDEATH":
            return self._death(node, wire.decode(payload), at_us)
        try:
            body = wire.decode(payload)
        except BadFrame as bad:
            return self._ask(node, f"{verb}: {bad}", at_us)
        if body.seq is None:
            return self._ask(node, f"{verb} without a sequence number", at_us)
        if verb == "NBIRTH":
            return self._birth(node, body, body.seq, at_us)
        session = self._sessions.get(node)
        if session is None or not session.whole:
            return self._ask(node, f"{verb} without a birth that we heard", at_us)
        due = (session.seq + 1) & 0xFF
        if body.seq != due:
            jump = f"{node}: {session.seq} -> {body.seq}"
            heard = self._ask(node, f"{verb} with sequence {body.seq}, not {due}", at_us)
            return heard._replace(news=[("seq_gap", jump), *heard.news])
        session.seq = due
        if verb == "DDEATH":
            session.bury(device)
            news = self._gone(f"{node}/{device}", "its node says so")
            return Heard(self._stale(node, session, device, at_us), news=news, dropped="death")
        if verb == "DBIRTH":
            heard = self._described(node, session, device, body, at_us)
            return heard._replace(news=[*self._back(f"{node}/{device}"), *heard.news])
        return self._data(node, session, device, body, at_us, born=False)

    def forget(self) -> None:
        """Messages may be missing now: every node must be born again.

        Which session each was in is kept: its death may have waited for us at the broker.
        """
        for session in self._sessions.values():
            session.whole = False
        self._asked_us.clear()
        self._unborn.clear()

    def _birth(self, node: str, body: wire.Payload, seq: int, at_us: int) -> Heard:
        before = self._sessions.get(node)
        if before is None and len(self._sessions) >= NODES_MOST:
            raise BadFrame(f"more than {NODES_MOST} nodes")
        try:
            bd_seq = _bd_seq(body)
        except BadFrame as bad:
            return self._ask(node, f"NBIRTH: {bad}", at_us)
        if seq != 0:
            return self._ask(node, f"NBIRTH with sequence {seq}, not 0", at_us)
        session = self._sessions[node] = Session(bd_seq)
        news = self._back(node)
        readings: list[Reading] = []
        if before is not None and before.bd_seq == bd_seq:  # born again in the same session
            session.sent = before.sent
        elif before is not None:
            unseen = f"{node}: its session {before.bd_seq} has ended unseen"
            news = [("device_offline", unseen), ("device_online", node)]
            readings = self._stale(node, before, None, at_us)
        heard = self._described(node, session, "", body, at_us)
        return heard._replace(readings=[*readings, *heard.readings], news=[*news, *heard.news])

    def _described(
        self, node: str, session: Session, device: str, body: wire.Payload, at_us: int
    ) -> Heard:
        try:
            session.describe(device, body.metrics)
        except BadFrame as bad:
            return self._ask(node, str(bad), at_us)
        return self._data(node, session, device, body, at_us, born=True)

    def _data(
        self,
        node: str,
        session: Session,
        device: str,
        body: wire.Payload,
        at_us: int,
        *,
        born: bool,
    ) -> Heard:
        readings: list[Reading] = []
        faults: list[str] = []
        unborn = ""
        for metric in body.metrics:
            try:
                known = session.find(device, metric)
                if known is None:
                    unborn = f"metric {metric.name[:40]!r}, alias {metric.alias}: not in its birth"
                    faults.append(f"{node}/{device}: {unborn}")
                elif (value := self._values.get(known.name)) is not None:
                    reading = self._reading(node, device, known, value, metric, body, at_us, born)
                    readings.append(reading)
                    if not metric.historical:
                        session.sent[device, known.name] = reading.value
            except BadFrame as fault:
                faults.append(f"{node}/{device}: {fault}")
        heard = Heard(readings, faults, dropped="birth" if born else "not_mapped")
        if not unborn or node in self._unborn:
            return heard
        asked = self._request(node, unborn, at_us)
        if asked.commands:
            self._unborn.add(node)
        return heard._replace(news=asked.news, commands=asked.commands)

    def _reading(
        self,
        node: str,
        device: str,
        known: Known,
        value: ValueSettings,
        metric: wire.Metric,
        body: wire.Payload,
        at_us: int,
        born: bool,
    ) -> Reading:
        quality = "good" if metric.quality is None else wire.QUALITIES.get(metric.quality, "")
        if not quality:
            raise BadFrame(f"{known.name[:40]!r}: quality {metric.quality} is not 0, 192 or 500")
        # A birth repeats what is known, however old; and a node that was asked repeats it again.
        time_ms = metric.timestamp_ms if born else metric.timestamp_ms or body.timestamp_ms
        if metric.null:
            quality, sent = "bad" if quality == "good" else quality, ""
        else:
            sent = wire.number(metric, known.datatype)
            if quality == "good" and (metric.historical or born):
                quality = "late"
        return measure(
            instrument=self._name(node, device),
            quantity=value.quantity,
            value=sent,
            unit=value.unit,
            at_us=at_us,
            quality=quality,
            device_time="" if time_ms is None else str(time_ms),
            lel_basis_pct_vol=self._basis.get(value.quantity, ""),
        )

    def _death(self, node: str, body: wire.Payload, at_us: int) -> Heard:
        bd_seq, session = _bd_seq(body), self._sessions.get(node)
        if session is None or bd_seq != session.bd_seq:
            return Heard(dropped="old_death")
        del self._sessions[node]
        self._unborn.discard(node)
        readings = self._stale(node, session, None, at_us)
        news = self._gone(node, f"its session {bd_seq} has ended")
        return Heard(readings, news=news, dropped="death")

    def _gone(self, name: str, why: str) -> list[tuple[str, str]]:
        if len(self._offline) >= KEPT_MOST:
            self._offline.clear()
        self._offline.add(name)
        return [("device_offline", f"{name}: {why}")]

    def _back(self, name: str) -> list[tuple[str, str]]:
        if name not in self._offline:
            return []
        self._offline.discard(name)
        return [("device_online", name)]

    def _stale(self, node: str, session: Session, only: str | None, at_us: int) -> list[Reading]:
        """The newest number of each mapped metric, as text: it is one no more."""
        readings = []
        for device, name in [at for at in session.sent if only is None or at[0] == only]:
            value = self._values[name]
            readings.append(
                measure(
                    instrument=self._name(node, device),
                    quantity=value.quantity,
                    value=session.sent.pop((device, name)),
                    unit=value.unit,
                    at_us=at_us,
                    quality="stale",
                )
            )
        return readings

    def _ask(self, node: str, why: str, at_us: int) -> Heard:
        """Read nothing more of this session, keep the message as a dead letter, ask for a birth."""
        session = self._sessions.get(node)
        if session is not None:
            session.whole = False
        return self._request(node, why, at_us)._replace(faults=[f"{node}: {why}"])

    def _request(self, node: str, why: str, at_us: int) -> Heard:
        """The request for a birth and its notice; nothing when it has just been asked."""
        asked_us = self._asked_us.get(node)
        if not self._mapping.ask_rebirth or (
            asked_us is not None and 0 <= at_us - asked_us < ASK_EVERY_US
        ):
            return Heard()
        if len(self._asked_us) >= NODES_MOST:
            self._asked_us.clear()
        self._asked_us[node] = at_us
        group, _, edge = node.partition("/")
        command = (f"spBv1.0/{group}/NCMD/{edge}", wire.rebirth(at_us))
        return Heard(news=[("rebirth_asked", f"{node}: {why}")], commands=[command])

    def _name(self, node: str, device: str) -> str:
        sent = f"{node}/{device}" if device else node
        return text(self._mapping.instruments.get(sent, sent), "instrument")


def _bd_seq(body: wire.Payload) -> int:
    """raises  BadFrame when the payload does not tell the number of its session"""
    told = [metric for metric in body.metrics if metric.name == BIRTH_DEATH]
    if len(told) != 1 or told[0].null:
        raise BadFrame("it has no bdSeq")
    values = list(told[0].fields.items())
    if len(values) != 1 or values[0][0] not in {"int_value", "long_value"}:
        raise BadFrame("its bdSeq is no whole number")
    return int(values[0][1])
