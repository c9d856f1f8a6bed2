"""One specimen of everything that a built-in driver reads, found by asking the plugins.

Which facts and settings belong together is the simulator's own knowledge (`Device.fitting`); the
speed is the device's, or the plugin's probe. Nothing here knows a plugin by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.conformance import Options
from hub.conformance.subject import Subject, Unmet, subjects
from hub.entering import Way
from hub.errors import ConfigError
from hub.registry import built_in_plugins
from hub.simulate.conventions import TALKERS
from hub.simulate.facts import names
from hub.simulate.instrument import instrument_from

_PATIENCE_S = 0.5
"""A busy machine may keep a simulator waiting; no real instrument needs it."""
_BY_ITS_MENU = (9600, "N", 1)
_GAUGE = "u-gauge"
_COLUMN = {"column": "P", "instrument": "logger", "quantity": "pressure", "unit": "Pa"}


@dataclass(frozen=True, slots=True)
class Specimen:
    """One instrument, as the config will have it.

    model   what it is: the profile, the convention, or the first model that its plugin names
    where   the line or link it comes by
    target  its number there, for its simulator
    facts   of its simulator, as words
    """

    name: str
    plugin: str
    model: str
    quantity: str
    where: str
    target: int = 1
    facts: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WireLine:
    """A serial line with everything on it, all of one plugin."""

    name: str
    plugin: str
    kind: str
    speed: tuple[int, str, int]
    specimens: Sequence[Specimen]


@dataclass(frozen=True, slots=True)
class LinkOf:
    """A link; `enters` says how a person hands in, and is empty for one by a broker."""

    name: str
    kind: str
    specimens: Sequence[Specimen]
    settings: Mapping[str, Any]
    enters: Way | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """What a plugin reads and the demo cannot show, and why."""

    plugin: str
    model: str
    why: str


@dataclass(slots=True)
class Assembly:
    """Everything that is to be shown, and what cannot be."""

    plugins: list[str] = field(default_factory=list)
    lines: list[WireLine] = field(default_factory=list)
    links: list[LinkOf] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def specimens(self) -> Iterator[Specimen]:
        for line in self.lines:
            yield from line.specimens
        for link in self.links:
            yield from link.specimens


def assemble(plugins: Sequence[str] | None = None) -> Assembly:
    """Ask *plugins*, else every built-in; one that cannot be had is a gap, and hides no other."""
    found = Assembly()
    for plugin in built_in_plugins() if plugins is None else plugins:
        try:
            brought = subjects(plugin, Options())
        except ConfigError as wrong:
            found.gaps.append(Gap(plugin, "", str(wrong)))
            continue
        before = len(found.lines) + len(found.links)
        for subject in brought:
            take = {"instrument": _take_serial, "link": _take_link, "entry": _take_entry}
            if subject.sort not in take:
                continue
            try:
                take[subject.sort](subject, found)
            except (Unmet, ValueError) as wrong:
                found.gaps.append(Gap(plugin, "", str(wrong)))
        if len(found.lines) + len(found.links) > before:
            found.plugins.append(plugin)
    return found


# ------------------------------------------------------------------ serial


def _take_serial(subject: Subject, found: Assembly) -> None:
    """One specimen, or where the settings name a profile one of each; raises Unmet, ValueError."""
    simulator = subject.simulator
    fitting: dict[object, tuple[str, Mapping[str, object]]] = {}
    for facts, settings in simulator.fitting.items():
        fitting.setdefault(settings.get("profile"), (facts, settings))
    usual = subject.sample_settings().get("profile")
    for probe in subject.kind.probes:  # a profile that needs no answers needs no line there either
        profile = probe.settings.get("profile", usual)
        if profile != usual:
            fitting.setdefault(profile, (f"profile={profile}", {"profile": profile}))
    shares = simulator.every_s is None and len(fitting) > 1 and "address" in names(simulator.Facts)
    by_line: dict[str, tuple[tuple[int, str, int], list[Specimen]]] = {}
    for number, (facts, fits) in enumerate(fitting.values(), 1):
        device = instrument_from(simulator, facts, 0).device
        probes = subject.kind.probes
        probed = [(probe.bauds[0], probe.parity, probe.stop_bits) for probe in probes[:1]]
        speed = device.line or (*probed, _BY_ITS_MENU)[0]
        settings = {**subject.sample_settings(), **fits, **_patience(subject)}
        name = _label(subject.kind.name)
        line = f"{name}-{speed[0]}-8{speed[1].lower()}{speed[2]}" if shares else name
        line = line if shares or len(fitting) == 1 else f"{name}-{number}"
        _, there = by_line.setdefault(line, (speed, []))
        if shares:
            settings["address"] = len(there) + 1
        told = f"{facts} address={len(there) + 1}".strip() if shares else facts
        try:
            subject.build(**settings)
        except Unmet as wrong:
            gap = Gap(subject.plugin, str(settings.get("profile", "")), _cause(wrong))
            found.gaps.append(gap)
            continue
        models = [model.name.partition(",")[0] for model in subject.kind.models]
        there.append(
            Specimen(
                name=f"{name}-{number}",
                plugin=subject.plugin,
                model=str(settings.get("profile") or (*models, subject.kind.name)[0]),
                quantity=device.sense,
                where=line,
                target=len(there) + 1,
                facts=told,
                settings=settings,
            )
        )
    for line, (speed, there) in by_line.items():
        if there:
            found.lines.append(WireLine(line, subject.plugin, subject.kind.name, speed, there))


def _patience(subject: Subject) -> Mapping[str, object]:
    """As long as delivered, and no shorter than a busy machine needs."""
    within = subject.kind.settings.model_fields.get("answer_within_s")
    return {} if within is None else {"answer_within_s": max(_PATIENCE_S, within.default)}


# ------------------------------------------------------------------ links


def _take_link(subject: Subject, found: Assembly) -> None:
    """A device of every convention that the link's settings know."""
    fields = subject.kind.settings.model_fields
    if "topics" not in fields:
        raise Unmet("no simulator speaks to a link of this kind")
    schema = subject.kind.settings.model_json_schema()["properties"]["topics"]["items"]
    name = _label(subject.kind.name)
    topics: list[Mapping[str, Any]] = []
    there: list[Specimen] = []
    for convention in schema["discriminator"]["mapping"]:
        talker = TALKERS.get(convention)
        if talker is None:
            found.gaps.append(Gap(subject.plugin, convention, "no simulator speaks it"))
            continue
        device = _label(convention)
        topic = {"decoder": convention, **talker(device).topics()}
        try:
            subject.build(topics=[topic])
        except Unmet as wrong:
            found.gaps.append(Gap(subject.plugin, convention, _cause(wrong)))
            continue
        topics.append(topic)
        facts = f"convention={convention} name={device}"
        there.append(
            Specimen(device, subject.plugin, convention, talker.sense, name, len(there) + 1, facts)
        )
    if there:
        found.links.append(LinkOf(name, subject.kind.name, there, {"topics": topics}))


def _take_entry(subject: Subject, found: Assembly) -> None:
    """A gauge that a person reads, or a file that a logger wrote."""
    name, enters = _label(subject.kind.name), subject.build().enters
    if enters == "manual":
        instrument = _GAUGE
        settings = {**subject.sample_settings(), "units": ["mmH2O"]}
    else:
        instrument = _COLUMN["instrument"]
        settings = {**subject.sample_settings(), "columns": [_COLUMN]}
    subject.build(**settings)
    specimen = Specimen(instrument, subject.plugin, enters, "pressure", name)
    found.links.append(LinkOf(name, subject.kind.name, [specimen], settings, enters))


def _cause(wrong: Unmet) -> str:
    """The sentence that its driver said, without the settings it was tried with."""
    return str(wrong.__cause__ or wrong)


def _label(name: str) -> str:
    return name.replace("_", "-")
