"""The gateway's TOML file, read and checked before anything starts.

Errors name file, path, value, rule and remedy, all of them at once. Secrets never stand in the
file: a setting holds the *name* of a secret, see hub/credentials.py.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from hub.api_settings import ApiSettings
from hub.errors import ConfigError
from hub.port import PortSettings
from hub.refusal import explain, suggestion
from hub.settings import Settings
from hub.units import QUANTITIES, UnknownUnit, canonical

S = TypeVar("S", bound=BaseModel)

NAME = r"^[a-z0-9][a-z0-9_.-]{0,62}$"


class LogSettings(Settings):
    """Where the log goes is systemd's business; its form and level are set here."""

    form: Literal["json", "console"] = Field(
        default="json", description="One JSON object a line, or text for people."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is written."
    )


class HubSettings(Settings):
    """The hub itself."""

    gateway: str = Field(
        pattern=NAME,
        examples=["gw-0001"],
        description="Name of this gateway in every event; never reuse one.",
    )
    state_dir: Path = Field(
        examples=["/var/lib/gashub"],
        description="Folder of the ledger, the device key and the socket.",
    )
    plugins: tuple[str, ...] = Field(
        examples=[["modbus", "mqtt", "crm"]],
        description="Plugins to load, and no others: a built-in's name, an entry point of group "
        "gashub, or a dotted module.",
    )
    rule_pack: str | None = Field(
        default=None, description="Path of a rule pack; the shipped default when absent."
    )
    language: Literal["zh", "en"] = Field(
        default="zh", description="Language of texts for people; the record always has both."
    )
    commit_linger_ms: int = Field(
        default=200,
        ge=0,
        le=5000,
        description="Longest time a reading waits for others before it is committed. A verdict "
        "or alarm never waits.",
    )
    commit_at: int = Field(
        default=10,
        ge=1,
        le=500,
        description="Readings that are committed without waiting any longer.",
    )
    bus_room: int = Field(
        default=4096,
        ge=16,
        le=100_000,
        description="Messages that may wait for the ledger before polling waits.",
    )
    admin_gid: int | None = Field(
        default=None,
        ge=0,
        description="Group that may send commands, besides root and the hub's own user.",
    )
    reserve_mib: int = Field(
        default=16,
        ge=0,
        le=4096,
        description="Free space below which readings are refused, so that deliveries and "
        "commands still find room for their record.",
    )


class InstrumentFacts(Settings):
    """What is known of one instrument; an order may say more, and then the order holds."""

    name: str = Field(
        min_length=1,
        max_length=64,
        examples=["pm-1"],
        description="Name used in readings and orders.",
    )
    quantity: Literal["pressure", "gas", "gas_path", "oxygen", "gas_temperature", "barometer"] = (
        Field(description="What it measures.")
    )
    serial: str | None = Field(default=None, description="Serial number on its plate.")
    unit: str | None = Field(default=None, description="Unit it reports in.")
    range_pa: Decimal | None = Field(default=None, gt=0, description="Full scale, Pa.")
    resolution_pa: Decimal | None = Field(default=None, gt=0, description="Smallest step, Pa.")
    resolution: Decimal | None = Field(
        default=None, gt=0, description="Smallest step, in its unit."
    )
    range_pct_lel: Decimal | None = Field(default=None, gt=0, description="Full scale, %LEL.")
    range_pct_vol: Decimal | None = Field(default=None, gt=0, description="Full scale, %vol.")
    lel_basis_pct_vol: Decimal | None = Field(
        default=None, gt=0, description="%vol that its 100 %LEL stands for."
    )
    t90_s: Decimal | None = Field(default=None, gt=0, description="Response time, s.")
    u: Decimal | None = Field(default=None, gt=0, description="Standard uncertainty, in its unit.")
    calibrated_until: date | None = Field(
        default=None, description="Last day its calibration is valid, inclusive."
    )

    @field_validator("unit")
    @classmethod
    def _unit_of_its_quantity(cls, unit: str | None, so_far: ValidationInfo) -> str | None:
        quantity = so_far.data.get("quantity")
        if unit is not None and quantity in QUANTITIES:
            try:
                canonical(quantity, Decimal(0), unit)
            except UnknownUnit as wrong:
                raise ValueError(str(wrong)) from None
        return unit

    def as_order(self) -> dict[str, Any]:
        """The facts as keys of an order's instrument (judge contract), absent ones left out."""
        known = self.model_dump(exclude_none=True)
        if self.calibrated_until is not None:
            known["calibrated_until"] = self.calibrated_until.isoformat()
        return known


class LineSettings(PortSettings):
    """One serial line and the instruments on it. Its thread owns the port."""

    name: str = Field(pattern=NAME, description="Name of the line.")
    instrument: tuple[dict[str, Any], ...] = Field(
        min_length=1,
        description="Instruments on the line: name, kind, and the settings of that kind.",
    )


class PluggedSettings(BaseModel):
    """A `[[link]]`, `[[sink]]` or `[[inbox]]`: name and kind, and the rest is its kind's."""

    name: str = Field(pattern=NAME)
    kind: str
    settings: dict[str, Any]


class Config(BaseModel):
    """The whole file, checked as far as it can be without the plugins."""

    path: Path
    hub: HubSettings
    log: LogSettings = LogSettings()
    api: ApiSettings = ApiSettings()
    instrument: tuple[InstrumentFacts, ...] = ()
    line: tuple[LineSettings, ...] = ()
    link: tuple[PluggedSettings, ...] = ()
    sink: tuple[PluggedSettings, ...] = ()
    inbox: tuple[PluggedSettings, ...] = ()

    @property
    def socket(self) -> Path:
        return self.hub.state_dir / "hub.sock"

    def facts(self) -> dict[str, InstrumentFacts]:
        return {facts.name: facts for facts in self.instrument}


def load_config(path: Path) -> Config:
    """Read and check the file. Nothing is started, no port is touched.

    raises  ConfigError with one line per fault
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise ConfigError(
            f"{path}: cannot be read ({fault.strerror}); give the path of a gateway config"
        ) from fault
    except UnicodeDecodeError as fault:
        raise ConfigError(f"{path}: not UTF-8 at byte {fault.start}; save it as UTF-8") from fault
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(f"{path}: not TOML: {fault}") from fault
    faults: list[str] = []
    top = {"hub", "log", "api", "instrument", "line", "link", "sink", "inbox"}
    faults.extend(
        f'{path}: "{key}": no such section; {suggestion(key, top)}'
        for key in sorted(set(table) - top)
    )
    hub = _one(HubSettings, table.get("hub", {}), path, "hub", faults)
    log = _one(LogSettings, table.get("log", {}), path, "log", faults)
    api = _one(ApiSettings, table.get("api", {}), path, "api", faults)
    instruments = _many(InstrumentFacts, table, "instrument", path, faults)
    lines = _many(LineSettings, table, "line", path, faults)
    links = _plugged(table, "link", path, faults)
    sinks = _plugged(table, "sink", path, faults)
    inboxes = _plugged(table, "inbox", path, faults)
    for section, named in (
        ("instrument", instruments),
        ("line", lines),
        ("link", links),
        ("sink", sinks),
        ("inbox", inboxes),
    ):
        faults.extend(_doubled(path, section, [entry.name for entry in named]))
    if faults or hub is None or log is None or api is None:
        raise ConfigError("\n".join(faults))
    return Config(
        path=path,
        hub=hub,
        log=log,
        api=api,
        instrument=tuple(instruments),
        line=tuple(lines),
        link=tuple(links),
        sink=tuple(sinks),
        inbox=tuple(inboxes),
    )


def check_settings(model: type[S], given: Mapping[str, Any], path: Path, where: str) -> S:
    """Check one kind's settings.

    raises  ConfigError with one line per fault, each naming file, path, value, rule and remedy
    """
    faults: list[str] = []
    made = _one(model, given, path, where, faults)
    if made is None:
        raise ConfigError("\n".join(faults))
    return made


def _one(model: type[S], given: Any, path: Path, where: str, faults: list[str]) -> S | None:
    if not isinstance(given, Mapping):
        faults.append(f"{path}: {where}: expected a table, got {given!r}; write it as [{where}]")
        return None
    try:
        return model.model_validate(dict(given))
    except ValidationError as invalid:
        faults.extend(f"{path}: {line}" for line in explain(invalid, model, where))
        return None


def _many(
    model: type[S], table: Mapping[str, Any], section: str, path: Path, faults: list[str]
) -> list[S]:
    made = []
    for where, entry in _entries(table, section, path, faults):
        one = _one(model, entry, path, where, faults)
        if one is not None:
            made.append(one)
    return made


def _plugged(
    table: Mapping[str, Any], section: str, path: Path, faults: list[str]
) -> list[PluggedSettings]:
    made = []
    for where, entry in _entries(table, section, path, faults):
        rest = {key: value for key, value in entry.items() if key not in ("name", "kind")}
        named = {key: entry[key] for key in ("name", "kind") if key in entry}
        one = _one(PluggedSettings, {**named, "settings": rest}, path, where, faults)
        if one is not None:
            made.append(one)
    return made


def _entries(
    table: Mapping[str, Any], section: str, path: Path, faults: list[str]
) -> list[tuple[str, Mapping[str, Any]]]:
    given = table.get(section, [])
    if not isinstance(given, list) or not all(isinstance(entry, Mapping) for entry in given):
        faults.append(f"{path}: {section}: expected a list of tables; write each as [[{section}]]")
        return []
    return [
        (f'{section} "{entry["name"]}"' if "name" in entry else f"{section} number {k}", entry)
        for k, entry in enumerate(given, 1)
    ]


def _doubled(path: Path, section: str, names: list[str]) -> list[str]:
    return [
        f'{path}: {section} "{name}" stands there twice; names must differ'
        for name in sorted({n for n in names if names.count(n) > 1})
    ]
