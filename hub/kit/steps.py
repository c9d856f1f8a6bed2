"""What the author of a new plugin does next, for each kind."""

import sys
from pathlib import Path

from hub.kit.naming import Home

_SETTINGS = "settings.py: what the document leaves to the site, each with a description"
_KINDS = "__init__.py: models, how they are linked, their ranges, how to probe for them"
_GOLDEN = "golden.json: the document's examples, and what must be refused"
_TESTS = "test_plugin.py: what golden frames cannot say"
_SAMPLE = "sample.toml: `gashub samples` writes it from the settings"
_FILES = {
    "serial-poll": (
        _SETTINGS,
        "driver.py: the requests, `decode`, what is refused; page numbers beside them",
        _KINDS,
        "simulator.py: the instrument, from the document and not from driver.py",
        _GOLDEN,
        _TESTS,
        _SAMPLE,
        "README.md: marks, refusals, how far the checks reach, what is not proved, sources",
    ),
    "mqtt-decoder": (
        _SETTINGS,
        "driver.py: topic and payload, `decode`, what is refused",
        "__init__.py: models for the catalogue",
        _GOLDEN,
        _TESTS,
        _SAMPLE,
        "README.md: refusals, sources",
    ),
    "sink": (
        "settings.py: where the far side is; of secrets only their names",
        "sink.py: how one parcel is handed over, what is a receipt, what is a refusal",
        "__init__.py: its kind, and by `far_side` where `gashub doctor` may look",
        "test_plugin.py: the far side's answers, the same parcel twice",
        _SAMPLE,
        "README.md: sources",
    ),
    "procedure": (
        "procedure.py: the rule; without evidence INCONCLUSIVE, never PASS",
        "__init__.py: its kind",
        "test_plugin.py: a case for each row of the decision table",
        "README.md: the table, clauses",
    ),
}
"""Every file that was written, in the order of CONTRIBUTING."""
_FILES["serial-stream"] = _FILES["serial-poll"]

_PROFILE = """\
{path} is read as it is. Write your instrument's registers into it: plugins/modbus/README.md,
"Write a profile", asks the questions in order. Then, in a gateway's config:
  [hub]
  plugins = ["modbus"]
  [[line]]
  name = "line-a"
  port = "/dev/serial/by-id/usb-adapter-0"
  [[line.instrument]]
  name = "my-instrument"
  kind = "modbus"
  address = 1
  profile = "{profile}"
Check it with `gashub check`. A simulated one, to see it read:
  gashub simulate modbus --port-link /tmp/{name} --instrument 'profile={profile}'"""
_SHIPPED = """
It is shipped now: add it to `fitting` in plugins/modbus/simulator.py, and frames of its
document to plugins/modbus/golden.json; `gashub conformance modbus` then examines it."""


def of_folder(kind: str, name: str, folder: Path, home: Home, *, built_in: bool) -> str:
    """The steps for plugin *name* in *folder*, whose package is *home*."""
    plugin = name if built_in else f"{home.dotted}.{name}"
    told = [f"{plugin} works as it is. Put what is yours in the place of what is made up:"]
    told += [f"  {number}. {step}" for number, step in enumerate(_FILES[kind], 1)]
    told.append("and look at each step:")
    if not home.found:
        told.append(f"  export PYTHONPATH={home.path}")
    if kind.startswith("serial"):
        told.append(f"  gashub simulate {plugin} --port-link /tmp/{name}   # to run a hub with it")
    if kind != "procedure":
        told.append(f"  gashub samples {plugin} --write   # after a change of the settings")
    told.append(f"  {sys.executable} -m pytest --import-mode=importlib {folder}")
    told.append(f"  gashub conformance {plugin}")
    told += ["In a gateway's config:", "  [hub]", f'  plugins = ["{plugin}"]']
    if kind == "procedure":
        told.append(f'and in an order: "procedure": "{name}".')
    else:
        told.append(f"and what stands in {folder}/sample.toml; `gashub check` tells the rest.")
    if built_in:
        told.append("In this repository also: `gashub samples --write` for the pages that name all")
        told.append("plugins, a row in README.md and README.zh-CN.md, a line in CHANGELOG.md.")
    return "\n".join(told)


def of_profile(name: str, path: Path, *, shipped: bool) -> str:
    """The steps for a Modbus profile at *path*."""
    profile = name if shipped else str(path.resolve())
    text = _PROFILE.format(path=path, name=name, profile=profile)
    return text + (_SHIPPED if shipped else "")
