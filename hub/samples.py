"""sample.toml of a plugin, written from its settings model, so that the two cannot differ.

Mandatory keys are live, with the example of the model; the others are commented out and show
their default. A setting that is a list of models becomes tables below the other keys, one for
each kind of table that may stand there; the first is live where one is mandatory.
"""

import importlib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.config import HubSettings, InstrumentFacts, LogSettings
from hub.model import DriverKind, FollowerKind, LineDriverKind, SinkKind
from hub.port import PortSettings

PLUGINS = Path(__file__).resolve().parent.parent / "plugins"
UNUSED = '# (To use this table, take the first "# " off each of its lines.)'
GATEWAY = PLUGINS.parent / "config" / "gateway.toml"


def all_samples() -> Iterator[tuple[Path, str]]:
    """Path and text of the sample of every built-in plugin that brings drivers or sinks."""
    for folder in sorted(PLUGINS.iterdir()):
        if (folder / "__init__.py").is_file():
            module = importlib.import_module(f"plugins.{folder.name}")
            kinds = [
                kind
                for hook in ("register_drivers", "register_sinks")
                if hasattr(module, hook)
                for kind in getattr(module, hook)()
            ]
            if kinds:
                yield folder / "sample.toml", "\n".join(sample(kind) for kind in kinds)


def gateway_config() -> str:
    """The commented config of a whole gateway: the hub live, everything pluggable as comments."""
    parts = [
        "# A gateway's configuration. Required keys are live; the others show their default.",
        "# Check it with `gashub check FILE`: no port is touched.",
        "# Secrets never stand here: a setting holds the name of a secret, its value comes from",
        "# systemd (LoadCredential) or from the environment (GASHUB_SECRET_NAME).",
        "",
        "[hub]",
        *_entries(HubSettings, "hub"),
        "[log]",
        *_entries(LogSettings, "log"),
        "# What is known of each instrument; an order may say more.",
        "# [[instrument]]",
        *_commented(_entries(InstrumentFacts, "instrument")),
        "# A serial line; its instruments stand under it as [[line.instrument]], see the plugins.",
        "# [[line]]",
        '# name = "line-a"',
        "",
        *_commented(_entries(PortSettings, "line")),
    ]
    for path, text in all_samples():
        parts.append(f"# -- plugin {path.parent.name} " + "-" * (60 - len(path.parent.name)))
        parts += _commented(text.splitlines())
    return "\n".join(parts).rstrip() + "\n"


def _entries(model: type[BaseModel], table: str) -> list[str]:
    """The keys of *model*, which stands in TOML as *table*; tables inside it come last."""
    keys: list[str] = []
    tables: list[str] = []
    for name, field in model.model_fields.items():
        said = _comment(field.description or "")
        kinds = _models(field.annotation)
        if kinds:
            tables += [*said, *_tables(f"{table}.{name}", kinds, field)]
        else:
            keys += [*said, _entry(name, field), ""]
    return keys + tables


def _tables(table: str, kinds: Sequence[type[BaseModel]], field: FieldInfo) -> list[str]:
    """One table for each of *kinds*, with the kind's own words above it if there are several."""
    lines: list[str] = []
    for number, kind in enumerate(kinds):
        block = [f"[[{table}]]", *_entries(kind, table)]
        if len(kinds) > 1:
            lines += [*(["#"] if number == 0 else []), *_comment(inspect.getdoc(kind) or "")]
        if field.is_required() and number == 0:
            lines += block
        else:
            lines += [UNUSED, *_commented(block)]
    return lines


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that a setting is a list of, as `tuple[A | B, ...]`; empty for any other."""
    if get_origin(annotation) not in (tuple, list):
        return []
    inner = get_args(annotation)[0]
    if get_origin(inner) is Annotated:
        inner = get_args(inner)[0]
    kinds = get_args(inner) or (inner,)
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _comment(text: str) -> list[str]:
    return [f"# {line}" if line else "#" for line in text.splitlines()]


def _commented(lines: Iterable[str]) -> list[str]:
    return [f"# {line}" if line else "" for line in lines]


def sample(kind: Any) -> str:
    """The sample of one kind, in the place where the gateway's config has it."""
    if isinstance(kind, LineDriverKind):
        table = "line.instrument"
        head = [
            "[[line]]",
            'name = "line-a"',
            'port = "/dev/serial/by-id/usb-adapter-0"',
            "",
            "[[line.instrument]]",
            'name = "my-instrument"',
        ]
    elif isinstance(kind, DriverKind):
        table, head = "link", ["[[link]]", 'name = "my-link"']
    elif isinstance(kind, SinkKind | FollowerKind):
        table, head = "sink", ["[[sink]]", 'name = "my-sink"']
    else:
        raise TypeError(f"{kind!r} is no kind of driver or sink")
    return "\n".join([*head, f'kind = "{kind.name}"', "", *_entries(kind.settings, table)])


def _entry(name: str, field: FieldInfo) -> str:
    if field.is_required():
        if get_args(field.annotation) and not field.examples:
            return f"{name} = {_toml(get_args(field.annotation)[0])}"
        if not field.examples:
            raise ValueError(f"setting {name} is mandatory and has no example for the sample")
        return f"{name} = {_toml(field.examples[0])}"
    default = field.get_default(call_default_factory=True)
    if default is None or (default in ((), {}, "") and field.examples):
        return f"# {name} = {_toml(field.examples[0] if field.examples else _any(field))}"
    return f"# {name} = {_toml(default)}"


def _any(field: FieldInfo) -> Any:
    """Something of the right kind for a setting that is absent by default and has no example."""
    kinds = get_args(field.annotation) or (field.annotation,)
    if any(kind in (int, float, Decimal) for kind in kinds):
        return 1
    return "..."


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, BaseModel):
        return _toml(value.model_dump(mode="json", exclude_none=True))
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    text = str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _key(name: str) -> str:
    return (
        name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else f'"{name}"'
    )
