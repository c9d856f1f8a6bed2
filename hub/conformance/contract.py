"""Bronze, for every kind: the contract that the hub relies on."""

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_origin

import hub
from hub.conformance.subject import Subject, Unmet
from hub.pages import models_in
from hub.samples import plugin_sample

_BENCH = {"hub.testing", "hub.simulate"}
_NONE_COLLECTED = 5
"""pytest's exit code."""
_TESTS_WITHIN_S = 600
_BUILT = 5
"""Times that it is built to see whether it leaks; fewer new descriptors are somebody else's."""


def front_door(subject: Subject) -> None:
    """It imports `hub` and nothing inside it; its simulator and test also their own two doors."""
    for path, tree in subject.sources():
        for module, names, line in _imports(tree):
            where = f"{path.name}:{line}"
            if module == "hub":
                strange = [name for name in names if name not in hub.__all__ and name != "*"]
                strange += ["*"] if "*" in names else []
                if strange and not _bench_of(path, {f"hub.{name}" for name in strange}):
                    raise Unmet(f"{where} takes {', '.join(strange)}, not part of the front door")
            elif module.startswith("hub.") and not _bench_of(path, {module}):
                raise Unmet(f"{where} imports {module}; a plugin enters by `hub` alone")
            elif module.startswith("plugins.") and not _own(module, subject):
                raise Unmet(f"{where} imports {module}: plugins do not know each other")


def _bench_of(path: Path, modules: set[str]) -> bool:
    if path.name == "simulator.py":
        return modules <= {"hub.simulate"}
    return path.name.startswith("test_") and modules <= _BENCH


def _own(module: str, subject: Subject) -> bool:
    own = subject.module.__name__
    return module == own or module.startswith(f"{own}.")


def _imports(tree: ast.Module) -> Iterator[tuple[str, list[str], int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, [], node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names], node.lineno


def settings_described(subject: Subject) -> None:
    """Each setting says what it is for, in the models inside it too."""
    for model in dict.fromkeys(models_in(subject.kind.settings)):
        for inner in dict.fromkeys((model, *_inside(model))):
            for name, field in inner.model_fields.items():
                fixed = get_origin(field.annotation) is Literal and field.is_required()
                if not (field.description or fixed):
                    raise Unmet(f"setting {inner.__name__}.{name} has no description")


def _inside(model: Any) -> Iterator[Any]:
    for field in model.model_fields.values():
        for inner in models_in(field.annotation):
            yield inner
            yield from _inside(inner)


def sample_current(subject: Subject) -> None:
    """sample.toml is what the settings say, and can be built from."""
    path = subject.folder / "sample.toml"
    if not path.is_file():
        raise Unmet("sample.toml is missing; `gashub samples --write` writes it")
    if path.read_text(encoding="utf-8") != plugin_sample(subject.module):
        raise Unmet("sample.toml is not what the settings say; `gashub samples --write`")
    subject.build()


def kinds_steady(subject: Subject) -> None:
    """Asked twice for its kinds it names the same ones."""
    again = importlib.import_module(subject.module.__name__)
    hooks = [name for name in vars(again) if name.startswith("register_")]
    for hook in hooks:
        first, second = ([kind.name for kind in getattr(again, hook)()] for _ in range(2))
        if first != second:
            raise Unmet(f"{hook} names {first} first, then {second}")


def reset_twice(subject: Subject) -> None:
    """An instrument's `reset` is safe at any time, and its periods are sound."""
    before = descriptors()
    for _ in range(_BUILT):
        subject.build().reset()
    driver = subject.build()
    driver.reset()
    driver.reset()
    if (left := descriptors() - before) >= _BUILT:
        raise Unmet(f"built and reset {_BUILT} times it leaves {left} descriptors open")
    every_s, stale_s = driver.poll_every_s, driver.stale_after_s
    if not (every_s is None or every_s > 0) or not stale_s > 0:
        raise Unmet(f"poll_every_s is {every_s} and stale_after_s {stale_s}; both above 0")
    if every_s is not None and stale_s < every_s:
        raise Unmet(f"stale_after_s {stale_s} is shorter than its poll_every_s {every_s}")


def close_twice(subject: Subject) -> None:
    """A link's or sink's `close` is safe before `open`, and twice, and leaves nothing open."""
    before = descriptors()
    for _ in range(_BUILT):
        made = subject.build()
        for _ in range(2):
            made.close()
    if (left := descriptors() - before) >= _BUILT:
        raise Unmet(f"built and closed {_BUILT} times it leaves {left} descriptors open")


def descriptors() -> int:
    """Open descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted only


def files_there(subject: Subject) -> None:
    """A newcomer finds the same names everywhere."""
    has = {path.name for path in subject.folder.iterdir()}
    needed = {"__init__.py", "README.md", "test_plugin.py"}
    if subject.sort != "procedure":
        needed |= {"settings.py", "sample.toml"}
    one_of = {"driver.py", "sink.py", "follower.py", "procedure.py"}
    if missing := sorted(needed - has):
        raise Unmet(f"{', '.join(missing)} is missing")
    if not has & one_of:
        raise Unmet(f"none of {', '.join(sorted(one_of))} is there")


def tests_pass(subject: Subject) -> None:
    """Its test file has tests, and they pass; not where the caller runs them anyway."""
    if not subject.options.tests:
        return
    file = subject.folder / "test_plugin.py"
    command = [sys.executable, "-m", "pytest", "--quiet", "--import-mode=importlib"]
    command += ["-p", "no:cacheprovider", "--exitfirst", "--tb=line", str(file)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TESTS_WITHIN_S,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    if done.returncode == _NONE_COLLECTED:
        raise Unmet("test_plugin.py has no test")
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        why = next((line for line in said if line.startswith(("E  ", "FAILED", "ERROR"))), said[-1])
        again = f"{sys.executable} -m pytest --import-mode=importlib {file}"
        raise Unmet(f"{why.removeprefix('E ').strip()}; see `{again}`")
