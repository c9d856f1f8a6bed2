"""From files to a rule pack: a folder or one file, laid over the pack that it extends."""

import json
import sys
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError

from hub.near import guess
from hub.rulepack.overlay import RulePackError, hold_to, laid_over
from hub.rulepack.pack import RulePack

DEFAULT_ID: Final = "default"
_GIVEN: Final = "given"
"""In a table: source, mark and owner of all entries below that do not say their own."""
_SAYS: Final = frozenset({"clause", "value", "on", "text", "title", "starts"})
"""A table with one of these is an entry; others only group entries."""
_SHARED: Final = "job"
"""The one table that may stand in several files, a job in each."""
_MOST_LAYERS: Final = 8


def _shipped_folder() -> Path:
    """Beside the code in a checkout; installed, where the wheel puts shared data."""
    beside = Path(__file__).parents[2] / "config" / "rulepacks"
    return beside if beside.is_dir() else Path(sys.prefix, "share", "gashub", "rulepacks")


SHIPPED: Final = _shipped_folder()


def load_pack(path_or_id: str | None = None) -> RulePack:
    """The rule pack at a path (a folder, or a .toml file), or shipped under an id.

    None is the shipped default.
    raises  RulePackError
    """
    return _layers(path_or_id or DEFAULT_ID, Path(), _MOST_LAYERS)[-1]


def _layers(name: str, beside: Path, most: int) -> list[RulePack]:
    """The pack of that name as the last, and before it those that it lies over, the lowest first.

    beside  where a relative path begins
    most    packs that may still be laid over one another
    """
    path = Path(name)
    path = beside / path if path.suffix == ".toml" or "/" in name else _shipped(name)
    tables = _tables(path)
    below = tables.pop("extends", None)
    if below is None:
        return [_whole(str(path), tables)]
    if not isinstance(below, str) or not most:
        why = "must be an id or a path" if most else "goes round in a circle"
        raise RulePackError(f"{path}: extends {below!r}: it {why}")
    layers = _layers(below, path if path.is_dir() else path.parent, most - 1)
    pack = _whole(str(path), laid_over(layers[-1], tables, str(path)))
    hold_to(layers, pack, tables, str(path))
    return [*layers, pack]


def shipped_ids() -> tuple[str, ...]:
    """Ids that load_pack knows without a path."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/pack.toml")))


def _shipped(name: str) -> Path:
    ids = shipped_ids()
    if name not in ids:
        raise RulePackError(
            f"rule pack {name!r}: no such id; use one of {', '.join(ids)} "
            f"or the path of a folder or a .toml file{guess(name, ids)}"
        )
    return SHIPPED / name


def _tables(path: Path) -> dict[str, Any]:
    """All tables of a file, or of the files of a folder, each key in one file only."""
    try:
        files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        sources = {file: file.read_bytes() for file in files}
    except (OSError, ValueError) as error:
        raise RulePackError(
            f"rule pack {str(path)!r}: cannot be read ({error}); give the path of a folder or a "
            f".toml file, or one of the ids {', '.join(shipped_ids())}"
        ) from None
    if not sources:
        raise RulePackError(f"rule pack {str(path)!r}: the folder holds no .toml file")
    tables: dict[str, Any] = {}
    for file, source in sources.items():
        for key, value in _parsed(source, str(file)).items():
            known = tables.setdefault(key, value)
            if known is value:
                continue
            both = [f"{key}.{name}" for name in value if name in known] if key == _SHARED else [key]
            if both:
                raise RulePackError(f"{file}: {both[0]} is in another file of the pack as well")
            known.update(value)
    _give_owner(tables)
    return tables


def _parsed(source: bytes, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(source.decode(), parse_float=Decimal)
    except (ArithmeticError, ValueError) as error:
        raise RulePackError(f"{file}: not TOML in UTF-8 ({error}); correct the line") from None


def _give_owner(tables: dict[str, Any]) -> None:
    """An entry that names no owner belongs to the pack's."""
    owner = tables.get("owner")
    _give(tables, {"owner": owner} if isinstance(owner, str) else {})


def _give(table: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Give *table*, if it is an entry, and those below what is said for all of them."""
    own = table.pop(_GIVEN, {})
    given = {**given, **own} if isinstance(own, dict) else given
    if not _SAYS.isdisjoint(table):
        for key, value in given.items():
            table.setdefault(key, value)
    for child in table.values():
        if isinstance(child, dict):
            _give(child, given)


@lru_cache(maxsize=4)
def whole_pack(source: bytes) -> RulePack:
    """`read_pack`, once for the same bytes."""
    return read_pack(source)


@lru_cache(maxsize=8)
def lean_pack(source: bytes) -> RulePack:
    """`read_pack`, and of that only what verdicts rest on."""
    return read_pack(source).lean()


def read_pack(source: bytes, file: str = "rule pack") -> RulePack:
    """A rule pack from its recorded bytes; *file* names it in errors.

    Packs were recorded as one TOML file before they were JSON; both are read.
    raises  RulePackError
    """
    if source[:1] == b"{":
        try:
            tables = json.loads(source)
        except ValueError as error:
            raise RulePackError(f"{file}: not JSON ({error})") from None
    else:
        tables = _parsed(source, file)
        _give_owner(tables)
    return _kept(_validated(file, tables), source)


def _kept(pack: RulePack, source: bytes) -> RulePack:
    pack._source = source  # noqa: SLF001  the model is frozen; its bytes are set once, here
    return pack


def _whole(file: str, tables: Mapping[str, Any]) -> RulePack:
    pack = _validated(file, tables)
    # Not sorted by key: the order of a checklist is that of its file.
    return _kept(pack, pack.model_dump_json(exclude_none=True).encode())


def _validated(file: str, tables: Mapping[str, Any]) -> RulePack:
    try:
        return RulePack.model_validate(tables)
    except ValidationError as error:
        raise RulePackError(f"{file}: {_first_fault(error)}") from None


def _first_fault(error: ValidationError) -> str:
    faults = error.errors(include_url=False)
    # A misspelt key is also a missing one: the spelling says more.
    fault = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])
    key = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    if fault["type"] == "extra_forbidden":
        hint = guess(str(fault["loc"][-1]), _names(fault["loc"][:-1]))
        return f"{key}: no such key{hint}; remove or correct it"
    if fault["type"] == "missing":
        return f"{key}: is missing; add it (config/rulepacks/default shows its shape)"
    if fault["type"] == "value_error":
        return f"{key}: {fault['ctx']['error']}".removeprefix(": ")
    return f"{key}: {fault['input']!r} is not accepted ({fault['msg']}); correct the value"


def _names(loc: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = RulePack
    inside = False
    for part in loc:
        if inside:  # the key of a mapping; its model is known already
            inside = False
            continue
        field = model.model_fields.get(str(part))
        if field is None:
            return []
        kind = field.annotation
        if get_origin(kind) is not None:
            kind = get_args(kind)[-1]
            inside = True
        if not isinstance(kind, type) or not issubclass(kind, BaseModel):
            return []
        model = kind
    return list(model.model_fields)
