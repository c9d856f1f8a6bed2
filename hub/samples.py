"""sample.toml of a plugin, written from its settings model, so that the two cannot differ.

Mandatory keys are live, with the example of the model; the others are commented out and show
their default. A setting that is a model or a list of them becomes tables below the other keys,
one for each kind of table that may stand there; the first is live where one is mandatory.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.api_settings import ApiSettings
from hub.config import HubSettings, InstrumentFacts, LogSettings
from hub.inbox_settings import KINDS
from hub.model import DriverKind, FollowerKind, LineDriverKind, SinkKind
from hub.port import PortSettings
from hub.registry import built_in_plugins, import_plugin

PLUGINS = Path(__file__).resolve().parent.parent / "plugins"
UNUSED = '# (To use this table, take the first "# " off each of its lines.)'
GATEWAY = PLUGINS.parent / "config" / "gateway.toml"


def all_samples(names: Sequence[str] | None = None) -> Iterator[tuple[Path, str]]:
    """Path and text of the sample of each built-in plugin that brings drivers or sinks.

    names  of these plugins instead, named as in `hub.plugins`
    """
    for module in chosen(names).values():
        if text := plugin_sample(module):
            yield folder_of(module) / "sample.toml", text


def chosen(names: Sequence[str] | None = None) -> Mapping[str, ModuleType]:
    """The plugins of *names*, each as in `hub.plugins`; all built-in ones if there are none.

    raises  ConfigError for one that cannot be imported
    """
    return {name: import_plugin(name) for name in names or sorted(built_in_plugins())}


def folder_of(module: ModuleType) -> Path:
    """Where a plugin stands."""
    assert module.__file__, "a plugin is a folder with an __init__.py"
    return Path(module.__file__).parent


def kinds_of(module: ModuleType) -> list[Any]:
    """The kinds of driver and sink that a plugin brings."""
    return [
        kind
        for hook in ("register_drivers", "register_sinks")
        if hasattr(module, hook)
        for kind in getattr(module, hook)()
    ]


def plugin_sample(module: ModuleType) -> str:
    """The whole sample of one plugin; "" when it brings nothing that is configured."""
    return "\n".join(sample(kind) for kind in kinds_of(module))


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
        "# The HTTP API, which `gashub api` serves as a process of its own.",
        "# [api]",
        *_commented(_entries(ApiSettings, "api")),
        "# Orders by files and by messages, which `gashub inbox` takes as a process of its own.",
        *(
            line
            for kind, model in KINDS.items()
            for line in _commented(
                ["[[inbox]]", 'name = "my-inbox"', f'kind = "{kind}"', *_entries(model, "inbox")]
            )
        ),
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


def fields_of(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """The settings of *model* by name: what must be given, then its own, then what others share."""
    bases = [vars(base).get("__annotations__", {}) for base in model.__mro__]

    def rank(named: tuple[str, FieldInfo]) -> tuple[bool, int]:
        name, field = named
        return not field.is_required(), max(at for at, own in enumerate(bases) if name in own)

    return sorted(model.model_fields.items(), key=rank)


def _entries(model: type[BaseModel], table: str) -> list[str]:
    """The keys of *model*, which stands in TOML as *table*; tables inside it come last."""
    keys: list[str] = []
    tables: list[str] = []
    for name, field in fields_of(model):
        said = _comment(field.description or "")
        key = field.alias or name
        kinds = _models(field.annotation)
        if kinds:
            many = get_origin(field.annotation) in (tuple, list)
            head = f"[[{table}.{key}]]" if many else f"[{table}.{key}]"
            tables += [*said, *_tables(head, kinds, field)]
        else:
            keys += [*said, _entry(key, field), ""]
    return keys + tables


def _tables(head: str, kinds: Sequence[type[BaseModel]], field: FieldInfo) -> list[str]:
    """One table for each of *kinds*, with the kind's own words above it if there are several."""
    lines: list[str] = []
    for number, kind in enumerate(kinds):
        block = [head, *_entries(kind, head.strip("[]"))]
        if len(kinds) > 1:
            lines += [*(["#"] if number == 0 else []), *_comment(inspect.getdoc(kind) or "")]
        if field.is_required() and number == 0:
            lines += block
        else:
            lines += [UNUSED, *_commented(block)]
    return lines


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models of a setting such as `tuple[A | B, ...]` or `A | None`; empty for any other."""
    inner = get_args(annotation)[0] if get_origin(annotation) in (tuple, list) else annotation
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
            return f"{name} = {shown_value(get_args(field.annotation)[0])}"
        if not field.examples:
            raise ValueError(f"setting {name} is mandatory and has no example for the sample")
        return f"{name} = {shown_value(field.examples[0])}"
    default = field.get_default(call_default_factory=True)
    if default is None or (default in ((), {}, "") and field.examples):
        return f"# {name} = {shown_value(field.examples[0] if field.examples else _any(field))}"
    return f"# {name} = {shown_value(default)}"


def _any(field: FieldInfo) -> Any:
    """Something of the right kind for a setting that is absent by default and has no example."""
    kinds = get_args(field.annotation) or (field.annotation,)
    if any(kind in (int, float, Decimal) for kind in kinds):
        return 1
    return "..."


def shown_value(value: Any) -> str:
    """*value* as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, BaseModel):
        return shown_value(value.model_dump(mode="json", exclude_none=True))
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {shown_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(shown_value(entry) for entry in value) + "]"
    text = str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _key(name: str) -> str:
    return (
        name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else f'"{name}"'
    )
