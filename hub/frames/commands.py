"""`gashub frames`: raw bytes with times, recorded as a case, and played through the driver."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hub.config import Config, LineSettings
from hub.errors import CommandRefused, ConfigError
from hub.frames.capture import Case, Part, load, save
from hub.frames.playback import play
from hub.frames.watching import Item, follow, watch
from hub.model import LineDriverKind
from hub.registry import Registry, import_plugin
from hub.samples import kinds_of

Say = Callable[[str], object]

ROW: Final = 16


def tail(
    config: Config, name: str, say: Say, *, as_json: bool, seconds: float | None, most: int | None
) -> None:
    """Show what passes line or link *name* until Ctrl-C, for *seconds*, or *most* frames."""
    shown = 0
    over = _over(seconds, lambda: most is not None and shown >= most)
    with watch(config, name) as view:
        try:
            for item in follow(view, over):
                if most is not None and shown >= most:
                    return
                shown += item["what"] in ("hub", "device")
                for row in [json.dumps(item, ensure_ascii=False)] if as_json else rows(item):
                    say(row)
        except KeyboardInterrupt:
            return


def rows(item: Item) -> Iterator[str]:
    """One thing seen, as lines of text: time, direction, hex, and what of it is printable."""
    what, who = item["what"], item.get("instrument", "")
    if what == "dropped":
        yield f"-- {item['text']}: {item['count']} or more not shown, this program was too slow"
        return
    at = datetime.fromtimestamp(item["at_us"] / 1e6, UTC).astimezone()
    when = f"{at:%H:%M:%S}.{item['at_us'] // 1000 % 1000:03d}"
    if what == "made":
        for made in item["made"]:
            for told in _told(made):
                yield f"{when}  {told}"
        if not item["made"] and item["text"]:
            yield f"{when}  = nothing: {item['text']}"
        return
    if what in ("notice", "reset"):
        yield f"{when}  -- {item['text'] or f'{who}: driver begins anew'}"
        return
    way = {
        "hub": f"hub -> {who}",
        "device": f"{who} -> hub",
        "echo": "echo -> hub",
        "unread": f"{who} -> hub, thrown away unread",
    }[what]
    data = bytes.fromhex(item["hex"])
    for at_byte in range(0, max(len(data), 1), ROW):
        part = data[at_byte : at_byte + ROW]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        head = f"{when}  {way}" if at_byte == 0 else ""
        yield f"{head:<34}  {part.hex(' '):<{3 * ROW}} |{text}|"
    if item["size"] > len(data):
        yield f"{'':<34}  and {item['size'] - len(data)} bytes more"


def _told(made: Mapping[str, Any]) -> Iterator[str]:
    for facts in made["readings"]:
        number = f"{facts['value']} {facts['unit']}".strip()
        yield f"= {facts['instrument']} {facts['quantity']} {number} {facts['quality']}"
    if made["dead"]:
        yield f"= dead letter: {made['dead']}"
    if made["dropped"]:
        yield f"= dropped as {made['dropped']}"


# -- record


@dataclass(slots=True)
class Stretch:
    """What passed between one instrument and its driver from one beginning anew to the next."""

    started_us: int
    exchange: list[Part] = field(default_factory=list)
    readings: list[Mapping[str, str]] = field(default_factory=list)
    messages: int = 0
    reasons: list[str] = field(default_factory=list)
    ended: str = ""
    _turn: list[Part] = field(default_factory=list)

    def take(self, item: Item) -> None:
        """A turn counts once it is known what the driver made of it."""
        if self.ended:
            return
        match item["what"]:
            case "hub" | "device" as who:
                self._turn.append(Part(who, bytes.fromhex(item["hex"]), item["at_us"]))
            case "made":
                self.exchange += self._turn
                self._turn.clear()
                for made in item["made"]:
                    self.messages += 1
                    self.readings += made["readings"]
                    self.reasons += [why for why in (made["dropped"], made["dead"]) if why]
                if item["text"]:
                    self.reasons.append(item["text"])
            case "reset":
                self.ended = "the driver had to begin anew: the port was lost, or overrun"


def record(
    config: Config, name: str, folder: Path, say: Say, *, seconds: float | None, most: int | None
) -> bool:
    """Record line *name* from a fresh beginning of its drivers; True when it plays back alike.

    raises  CommandRefused when nothing passed, or the folder is no good
    """
    line = next((line for line in config.line if line.name == name), None)
    if line is None:
        known = ", ".join(line.name for line in config.line) or "none"
        raise CommandRefused(f"{config.path}: no line {name!r} to record; there are: {known}")
    if (folder / "case.json").exists():
        raise CommandRefused(f"{folder}: holds a case already; give another folder")
    stretches = _listen(config, line, say, seconds=seconds, most=most)
    cases = [
        _case(config, line, given, stretches[who])
        for given in line.instrument
        if (who := str(given["name"])) in stretches and stretches[who].exchange
    ]
    if not cases:
        raise CommandRefused(
            f"line {name}: nothing passed; look at `gashub frames tail {name}` and `gashub status`"
        )
    say(f"{save(folder, cases)}: written")
    for case in cases:
        stretch = stretches[case.name]
        until = f", up to where {stretch.ended}" if stretch.ended else ""
        say(f"{case.name}: {len(case.exchange)} frames, {len(stretch.readings)} readings{until}")
    return replay(folder, say)


def _listen(
    config: Config, line: LineSettings, say: Say, *, seconds: float | None, most: int | None
) -> dict[str, Stretch]:
    stretches: dict[str, Stretch] = {}

    def enough() -> bool:
        taken = sum(stretch.messages for stretch in stretches.values())
        return any(s.ended for s in stretches.values()) or (most is not None and taken >= most)

    with watch(config, line.name) as view:
        view.fresh()
        say(f"recording line {line.name}; Ctrl-C ends it and keeps what there is")
        try:
            for item in follow(view, _over(seconds, enough)):
                if item["what"] == "dropped":
                    raise CommandRefused(
                        f"line {line.name}: {item['count']} frames came faster than they could be "
                        "taken, so the record has a hole and is not kept; try again"
                    )
                who = item["instrument"]
                stretch = stretches.get(who)
                if item["what"] == "reset" and (stretch is None or not stretch.exchange):
                    stretches[who] = Stretch(item["at_us"])
                elif stretch is not None:
                    stretch.take(item)
                if enough():
                    break
        except KeyboardInterrupt:
            pass
    return stretches


def _case(config: Config, line: LineSettings, given: Mapping[str, Any], stretch: Stretch) -> Case:
    name, kind = str(given["name"]), str(given["kind"])
    at = datetime.fromtimestamp(stretch.started_us // 1_000_000, UTC)
    nothing = ", ".join(dict.fromkeys(stretch.reasons)) or "silence"
    return Case(
        id=f"{line.name}-{name}-{at:%Y%m%dT%H%M%SZ}",
        source=f"gateway {config.hub.gateway}, line {line.name}, {at:%Y-%m-%d %H:%M:%S}Z",
        name=name,
        plugin=_plugin_of(kind, config.hub.plugins),
        kind=kind,
        line=line.model_dump(
            mode="json", exclude={"name", "port", "instrument"}, exclude_none=True
        ),
        settings={key: value for key, value in given.items() if key not in ("name", "kind")},
        started_us=stretch.started_us,
        exchange=stretch.exchange,
        expected=stretch.readings or None,
        refused="" if stretch.readings else f"no reading came of it: {nothing}",
    )


def _plugin_of(kind: str, plugins: Sequence[str]) -> str:
    for name in plugins:
        if kind in [brought.name for brought in kinds_of(import_plugin(name))]:
            return name
    raise ConfigError(f"no plugin of hub.plugins brings kind {kind!r}")


def _over(seconds: float | None, enough: Callable[[], bool]) -> Callable[[], bool]:
    until_s = None if seconds is None else time.monotonic() + seconds
    return lambda: enough() or (until_s is not None and time.monotonic() >= until_s)


# -- replay


def replay(folder: Path, say: Say) -> bool:
    """Play the cases of *folder* through their drivers; True when all readings are identical.

    raises  CommandRefused for an unreadable case, ConfigError when a driver cannot be built
    """
    same = True
    for case in load(folder):
        kind = Registry([case.plugin]).drivers.get(case.kind)
        if not isinstance(kind, LineDriverKind):
            raise ConfigError(
                f"case {case.id}: plugin {case.plugin} brings no instrument of kind {case.kind}"
            )
        differences = play(kind, case).differences(case)
        said = "identical" if not differences else "NOT identical"
        expected = "no reading" if case.expected is None else f"{len(case.expected)} reading(s)"
        say(f"{case.id}: {expected}, {said}")
        for difference in differences:
            say(f"  {difference}")
        same = same and not differences
    return same
