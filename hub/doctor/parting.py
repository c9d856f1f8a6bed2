"""The configuration and what it names: plugins, rule pack, secrets. Nothing is opened by it."""

from collections.abc import Iterator
from datetime import date
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hub.clock import HubClock, local_day
from hub.config import Config
from hub.credentials import SOURCE, is_name, missing, secret, variable
from hub.doctor.finding import Finding
from hub.doubts import of_instruments
from hub.errors import ConfigError
from hub.parts import Parts, nowhere
from hub.registry import import_plugin
from hub.rulepack import RulePack
from hub.samples import kinds_of
from hub.settings import names_secret


def look_at_plugins(config: Config) -> Iterator[Finding]:
    """Each by itself, so that one that does not load does not hide the others."""
    for name in config.hub.plugins:
        about = f"plugin {name}"
        try:
            module = import_plugin(name)
            kinds = sorted({kind.name for kind in kinds_of(module)})
        except Exception as wrong:  # noqa: BLE001 - a stranger's code; its fault is the finding
            yield Finding(about, "broken", "plugin.broken", {"why": _text(wrong)})
            continue
        figures = {"version": _version(module.__name__), "kinds": ", ".join(kinds) or "-"}
        yield Finding(about, "ok", "plugin.loads", figures)


def _text(wrong: Exception) -> str:
    return str(wrong) if isinstance(wrong, ConfigError) else f"{type(wrong).__name__}: {wrong}"


def _version(module: str) -> str:
    top = module.partition(".")[0]
    try:
        owner = "gashub" if top == "plugins" else packages_distributions()[top][0]
        return version(owner)
    except (PackageNotFoundError, KeyError):
        return "-"


def build(config: Config, *, whole: bool) -> tuple[Parts | None, list[Finding]]:
    """Everything the configuration asks for, as a start would build it; None when it cannot.

    whole  all of its plugins load
    """
    if not whole:
        return None, [Finding("config", "warning", "config.untried", {"file": config.path})]
    try:
        parts = Parts(config, HubClock(), nowhere)
    except Exception as wrong:  # noqa: BLE001 - a stranger's code builds some of them
        lines = _text(wrong).splitlines()
        return None, [Finding("config", "broken", "config.fault", {"why": why}) for why in lines]
    found = [Finding("config", "ok", "config.good", {"file": config.path})]
    found += [
        Finding("config", "warning", "config.doubt", {"why": why})
        for why in of_instruments(config, parts)
    ]
    found.append(_rules(parts.pack, local_day(HubClock().now_us())))
    return parts, [*found, *_secrets(parts)]


def _rules(pack: RulePack, today: date) -> Finding:
    figures = {"pack": f"{pack.id} {pack.version}", "first": pack.valid_from}
    if today < pack.valid_from:
        return Finding("rules", "broken", "rules.early", figures)
    if pack.valid_until is not None and today > pack.valid_until:
        return Finding("rules", "broken", "rules.late", {**figures, "last": pack.valid_until})
    return Finding("rules", "ok", "rules.good", figures)


def _secrets(parts: Parts) -> Iterator[Finding]:
    for where, settings in parts.settings.items():
        for name in named_secrets(settings):
            if not is_name(name):
                yield Finding(where, "broken", "secret.misplaced")
                continue
            figures = {"secret": name, "file": SOURCE / name, "variable": variable(name)}
            if not missing(name):
                yield Finding(where, "ok", "secret.there", figures)
            elif _not_ours_to_see():
                yield Finding(where, "warning", "secret.unseen", figures)
            else:
                yield Finding(where, "broken", "secret.missing", figures)


def _not_ours_to_see() -> bool:
    try:
        list(SOURCE.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def named_secrets(settings: BaseModel) -> Iterator[str]:
    """The names of all secrets that *settings* ask for."""
    for key, field in type(settings).model_fields.items():
        if names_secret(field):
            value: Any = getattr(settings, key)
            names = [value] if isinstance(value, str) else list(value or ())
            yield from (name for name in names if name)


def value_of(name: str) -> str:
    """A secret's value, also where only the unit would be given it and we may read the file.

    raises  ConfigError when it cannot be had from here
    """
    try:
        return secret(name)
    except ConfigError as absent:
        try:
            return Path(SOURCE / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise absent from None
