"""Everything the config asks for, built by the plugins' kinds and checked; nothing opened yet."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from hub.clock import Clock
from hub.config import Config, LineSettings, check_settings
from hub.credentials import secret
from hub.errors import ConfigError
from hub.line import Line
from hub.model import (
    Driver,
    DriverKind,
    Follower,
    FollowerKind,
    Intake,
    LineDriver,
    LineDriverKind,
    Notice,
    SinkKind,
    Site,
)
from hub.outbox import Consignee
from hub.refusal import suggestion
from hub.registry import Registry
from hub.rulepack import RulePack, RulePackError, load_pack


class Built(NamedTuple):
    """An instrument of a line, or a link (`line` is then ""), and what it was built from."""

    kind: DriverKind[Any] | LineDriverKind[Any]
    settings: BaseModel
    driver: LineDriver | Driver
    line: str = ""


Put = Callable[[Sequence[Intake | Notice], threading.Event], bool]
"""Where drivers put what they have: `Bus.put`."""


def nowhere(_: Sequence[Intake | Notice], __: threading.Event) -> bool:
    """For parts that are built to be checked and never started."""
    return True


class Parts:
    """The lines, links, sinks and followers of one config, and its rule pack.

    raises  ConfigError with a line for every fault found
    """

    def __init__(self, config: Config, clock: Clock, put: Put) -> None:
        self.registry = Registry(config.hub.plugins)
        self.lines: list[Line] = []
        self.links: dict[str, Driver] = {}
        self.consignees: list[Consignee] = []
        self.followers: dict[str, Follower] = {}
        self.settings: dict[str, BaseModel] = {}
        """By place (`sink "crm"`), of everything that was built."""
        self.instruments: dict[str, Built] = {}
        self.linked: dict[str, Built] = {}
        self.line_instruments: dict[str, str] = {}
        """Instrument -> the line it is on."""
        self._config = config
        self._clock = clock
        self._put = put
        self._site = Site(config.hub.gateway, clock, secret)
        self._faults: list[str] = []
        try:
            self.pack: RulePack = load_pack(config.hub.rule_pack).lean()
        except RulePackError as wrong:
            self._faults.append(f"{config.path}: hub.rule_pack: {wrong}")
        for line in config.line:
            self._line(line)
        for link in config.link:
            where = f'link "{link.name}"'
            kind = self._kind(self.registry.drivers, link.kind, DriverKind, where)
            made = self._build(kind, where, link.name, link.settings)
            if made is not None:
                self.links[link.name] = made[0]
                self.linked[link.name] = Built(kind, made[1], made[0])
        for sink in config.sink:
            where = f'sink "{sink.name}"'
            kind = self._kind(self.registry.sinks, sink.kind, (SinkKind, FollowerKind), where)
            made = self._build(kind, where, sink.name, sink.settings)
            if made is None:
                continue
            if isinstance(kind, FollowerKind):
                self.followers[sink.name] = made[0]
            else:
                self.consignees.append(Consignee(sink.name, *made))
        if self._faults:
            raise ConfigError("\n".join(self._faults))

    def _line(self, line: LineSettings) -> None:
        drivers: dict[str, LineDriver] = {}
        for given in line.instrument:
            name = str(given.get("name", ""))
            where = f'line "{line.name}" instrument "{name}"'
            if not name or name in drivers:
                self._fault(where, 'needs a "name" of its own')
                continue
            kind = self._kind(self.registry.drivers, given.get("kind"), LineDriverKind, where)
            rest = {key: value for key, value in given.items() if key not in ("name", "kind")}
            made = self._build(kind, where, name, rest)
            if made is not None:
                drivers[name] = made[0]
                self.line_instruments[name] = line.name
                self.instruments[name] = Built(kind, made[1], made[0], line.name)
        try:
            self.lines.append(Line(line.name, line, drivers, self._put, self._clock))
        except ConfigError as wrong:
            self._faults.append(f"{self._config.path}: {wrong}")

    def _kind(self, known: Mapping[str, Any], name: Any, wanted: Any, where: str) -> Any:
        kind = known.get(name)
        if kind is None:
            self._fault(
                where,
                f"kind is {name!r}, which no loaded plugin brings; {suggestion(str(name), known)}",
            )
        elif not isinstance(kind, wanted):
            self._fault(
                where,
                f'kind "{name}" has its place elsewhere: a serial instrument under '
                "[[line.instrument]], a broker under [[link]]",
            )
            return None
        return kind

    def _build(
        self, kind: Any, where: str, name: str, given: Mapping[str, Any]
    ) -> tuple[Any, Any] | None:
        if kind is None:
            return None
        try:
            settings = check_settings(kind.settings, given, self._config.path, where)
        except ConfigError as wrong:
            self._faults.append(str(wrong))
            return None
        try:
            made = kind.build(name, settings, self._site)
        except ConfigError as wrong:
            for line in str(wrong).splitlines():
                self._fault(where, line)
            return None
        self.settings[where] = settings
        return made, settings

    def _fault(self, where: str, what: str) -> None:
        self._faults.append(f"{self._config.path}: {where}: {what}")
