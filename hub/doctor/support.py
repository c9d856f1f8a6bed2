"""The support bundle: one ZIP for whoever helps from afar, with nothing of customers in it.

findings.json       what the doctor found
status.json         what the running hub says of itself; {} where none does
versions.json       of this software, Python, the machine, and what is installed beside it
configuration.json  by section, secrets and their names not shown
plugins.json        with version, kinds, and the level that each one's page claims
record.json         sizes of files, rows of tables, parcels by sink and state; no row itself
log.txt             the last lines of the log, where a file was named (the journal is not read)

It is listed here what may be in, and not what may not: what is added to status or record one day
stays out of the bundle until somebody has thought about it. Readings, orders, people and
attachments are never in.
"""

import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from importlib.metadata import distributions
from pathlib import Path
from time import monotonic
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

from hub.config import Config, load_config
from hub.credentials import is_name
from hub.doctor.finding import Finding, worst
from hub.doctor.parting import build, look_at_plugins, named_secrets, value_of
from hub.doctor.record import opener
from hub.doctor.redacting import sections, without
from hub.doctor.running import Running, running_hub
from hub.errors import CommandRefused, ConfigError
from hub.ledger.store import DB_FILE
from hub.pages import claimed_level
from hub.parts import Parts
from hub.registry import import_plugin
from hub.samples import folder_of, kinds_of
from hub.texts import Language
from hub.version import VERSION

TOLD: Final = (
    *("gateway", "pid", "at", "store", "ledger", "bus", "counts", "attempts", "followers"),
    *("lines", "links", "link_states", "sinks", "reconciled"),
)
"""Of a hub's status. Its newest readings and alarms are left out: they are of somebody's home."""
LOG_LINES: Final = 1000
LOG_BYTES: Final = 1 << 20
COUNT_WITHIN_S: Final = 20.0


def write_bundle(
    file: Path, config: Path, findings: Sequence[Finding], lang: Language, log: Path | None
) -> list[str]:
    """Write *file*, which only its owner may read; returns the names of what is in it.

    log     file that the hub's log goes to, if it does
    raises  CommandRefused when *file* is there already or cannot be written, or *log* not be read
    """
    known, parts = _loaded(config)
    members = dict(_members(known, parts, findings, lang))
    if log is not None:
        members["log.txt"] = _last_lines(log)
    values = list(_values(parts))
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as fault:
        raise CommandRefused(
            f"{file}: cannot be made ({fault.strerror}); name a file that is not there yet"
        ) from fault
    with os.fdopen(handle, "wb") as raw, ZipFile(raw, "w", ZIP_DEFLATED) as bundle:
        for name, text in members.items():
            bundle.writestr(name, without(text, values))
    return list(members)


def _members(
    config: Config | None, parts: Parts | None, findings: Sequence[Finding], lang: Language
) -> Iterator[tuple[str, str]]:
    rows = [finding.as_row(lang) for finding in findings]
    yield "findings.json", _json({"state": worst(findings), "findings": rows})
    yield "versions.json", _json(_versions())
    if config is None:  # what the faults are stands among the findings
        return
    running = running_hub(config)
    told = {key: running.status[key] for key in TOLD if key in running.status}
    yield "status.json", _json(told)
    yield "configuration.json", _json(sections(config, parts))
    yield "plugins.json", _json({name: _plugin(name) for name in config.hub.plugins})
    yield "record.json", _json(_store(config.hub.state_dir, running))


def _loaded(path: Path) -> tuple[Config | None, Parts | None]:
    try:
        config = load_config(path)
    except ConfigError:
        return None, None
    return config, build(config, whole=worst(look_at_plugins(config)) == "ok")[0]


def _json(told: object) -> str:
    return json.dumps(told, indent=2, ensure_ascii=False, default=str) + "\n"


def _versions() -> dict[str, Any]:
    return {
        "gashub": VERSION,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "packages": {one.metadata["Name"]: one.version for one in distributions()},
    }


def _plugin(name: str) -> dict[str, Any]:
    try:
        module = import_plugin(name)
        kinds = sorted({kind.name for kind in kinds_of(module)})
    except Exception as wrong:  # noqa: BLE001  a stranger's code; the doctor tells of its fault
        return {"loads": False, "fault": type(wrong).__name__}
    page = folder_of(module) / "README.md"
    level = claimed_level(page.read_text(encoding="utf-8")) if page.is_file() else "none"
    return {"loads": True, "module": module.__name__, "kinds": kinds, "level": level}


def _store(folder: Path, running: Running) -> dict[str, Any]:
    sizes: dict[str, list[int]] = {}
    with suppress(OSError):
        for path in folder.rglob("*"):
            if path.is_file():  # by its folder: names of files may be somebody's
                within = path.relative_to(folder).parts
                name = within[0] if len(within) == 1 else f"{within[0]}/"
                count, size = sizes.get(name, [0, 0])
                sizes[name] = [count + 1, size + path.stat().st_size]
    files = {name: {"files": n, "bytes": size} for name, (n, size) in sorted(sizes.items())}
    return {"files": files, **_counts(folder, running)}


def _counts(folder: Path, running: Running) -> dict[str, Any]:
    """Rows of each table, as far as they are counted in a reasonable time."""
    try:
        how = opener(folder, running.pid) if (folder / DB_FILE).exists() else None
        if how is None:
            return {"record": "not seen from here"}
        with closing(how(folder / DB_FILE)) as sql:
            until_s = monotonic() + COUNT_WITHIN_S
            sql.set_progress_handler(lambda: monotonic() > until_s, 100_000)
            names = sql.execute("SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name")
            rows = {}
            for (name,) in names.fetchall():
                (rows[name],) = sql.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()  # noqa: S608  as SQLite told it
            parcels = sql.execute(
                "SELECT sink, state, COUNT(*), MIN(created_us), MAX(attempts) FROM parcels"
                " GROUP BY sink, state ORDER BY sink, state"
            ).fetchall()
            (schema,) = sql.execute("PRAGMA user_version").fetchone()
    except Exception as wrong:  # noqa: BLE001  a damaged record is when a bundle is wanted
        return {"record": f"not counted: {type(wrong).__name__}"}
    keys = ("sink", "state", "parcels", "oldest_us", "most_attempts")
    told = [dict(zip(keys, row, strict=True)) for row in parcels]
    return {"schema": schema, "rows": rows, "parcels": told}


def _last_lines(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LOG_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError as fault:
        raise CommandRefused(
            f"{path}: cannot be read ({fault.strerror}); name the file that the log goes to"
        ) from fault
    return "\n".join([*lines[-LOG_LINES:], ""])


def _values(parts: Parts | None) -> Iterable[str]:
    """Every secret that we may see: should one stand anywhere after all, it goes."""
    settings: Mapping[str, Any] = {} if parts is None else parts.settings
    for name in (name for one in settings.values() for name in named_secrets(one)):
        if not is_name(name):
            yield name
        with suppress(ConfigError):
            yield value_of(name)
