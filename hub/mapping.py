"""From the hub's events to the bodies that another system wants, by a file. Pure but for reading.

    [verdict]                                  # kind of event; what has no table goes out as it is
    "WorkOrder.No" = "data.order"              # theirs = ours, dots between levels
    "WorkOrder.Result" = { from = "data.verdict.verdict", words = { PASS = "合格",
        FAIL = "不合格", INCONCLUSIVE = "无法判定", ABORTED = "中止" } }
    "Origin" = { value = "gashub" }

A field of the event that is absent leaves theirs out, unless `absent` says what stands instead.
`success` in the file names their words that mean success, beyond what PASS becomes.

What releases gas is guarded when the file is read: each of the four words becomes a word of its
own, none but PASS becomes a success, and a body about a verdict always says which it was.

A verdict with an `outcome` is an outdoor screen, and no success even where it is PASS. `words` may
have words for outcomes (`no_anomaly`, …), which come first and may be no success; without one a
PASS becomes what INCONCLUSIVE becomes, which keeps the job open.
"""

import json
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from hub.errors import ConfigError
from hub.near import guess
from hub.settings import EVENT_KINDS

WORDS: Final = ("PASS", "FAIL", "INCONCLUSIVE", "ABORTED")
_VERDICTS: Final = ("data.verdict.verdict", "data.verdict")
"""Where an event says what was judged: a verdict's own, and that of the kinds of job."""
_OUTCOMES: Final = {
    "data.verdict.verdict": "data.verdict.outcome",
    "data.verdict": "data.test_outcome",
}
"""And where it says what a screen found, without which a PASS is a success."""
_SUCCESSES: Final = frozenset(
    ("pass", "passed", "ok", "success", "successful", "succeeded", "合格", "通过", "成功")
)
"""Said of something that was no PASS, these would be believed, whatever PASS itself becomes."""
_YES: Final = frozenset(("true", "yes", "1"))
"""Alike to a lenient parser."""

_ALIKE: Final = str.maketrans("аеорсхукмтвніѕјαορνκτιε", "aeopcxykmtbhisjaopvktie")
"""Small letters of other alphabets that look like Latin ones."""
_UNSEEN: Final = frozenset(("Cf", "Cc", "Co", "Cn", "Mn", "Me", "Zs", "Zl", "Zp"))
"""Unicode's categories of what a person does not see, or takes for a mark on a letter."""


class Entry(BaseModel):
    """One field of theirs: from a field of ours, or a fixed value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    from_: str = Field(default="", alias="from")
    value: JsonValue = None
    words: Mapping[str, JsonValue] = Field(default_factory=dict)
    absent: JsonValue = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    success: tuple[JsonValue, ...] = ()
    events: Annotated[Mapping[str, Mapping[str, Entry]], Field(min_length=1)]


class Mapped:
    """A mapping file, read and found safe.

    raises  ConfigError that names the file, the field, and what is to be done
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        given = _read(path)
        success = given.pop("success", [])
        try:
            self._file = _File.model_validate(
                {"success": success, "events": {kind: _entries(of) for kind, of in given.items()}}
            )
        except (ValidationError, AttributeError) as wrong:
            raise ConfigError(f"{path}: {wrong}") from wrong
        faults = list(self._faults())
        if faults:
            raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of event that it says something about."""
        return frozenset(self._file.events)

    def sources(self) -> Iterator[tuple[str, str]]:
        """Kind of event and field of ours, for every field that is asked for."""
        for kind, entries in self._file.events.items():
            yield from ((kind, entry.from_) for entry in entries.values() if entry.from_)

    def body(self, kind: str, event: Mapping[str, Any]) -> bytes:
        """Their body for *event*, an event of the hub in JSON's types: the same every time.

        raises  ConfigError for a word that the file does not know, such as a new one of ours
        """
        made: dict[str, Any] = {}
        for theirs, entry in self._file.events[kind].items():
            found = entry.value if not entry.from_ else _at(event, entry.from_)
            if found is None:
                found = entry.absent
            else:
                if _speaks_of_verdict(kind, entry):
                    found = _of_screen(event, entry, found)
                if entry.words:
                    found = self._word(kind, theirs, entry, found)
            if found is not None:
                _put(made, theirs, found)
        return json.dumps(made, ensure_ascii=False, sort_keys=True).encode()

    def _word(self, kind: str, theirs: str, entry: Entry, found: Any) -> Any:
        if str(found) not in entry.words:
            raise ConfigError(
                f"{self._path}: {kind}.{theirs!r} has no word for {found!r}; add it to `words`"
            )
        return entry.words[str(found)]

    # -- what is examined

    def _faults(self) -> Iterator[str]:
        for kind, entries in self._file.events.items():
            if kind not in EVENT_KINDS:
                yield f"[{kind}] is no kind of event{guess(kind, EVENT_KINDS)}"
                continue
            for theirs, entry in entries.items():
                yield from (f"{kind}.{theirs!r}: {fault}" for fault in _formal(entry))
                if _speaks_of_verdict(kind, entry):
                    yield from (f"{kind}.{theirs!r}: {fault}" for fault in self._unsafe(entry))
                    continue
                says = [entry.value, entry.absent, *entry.words.values()]
                for said in self._successes(says) if kind == "verdict" else ():
                    yield (
                        f"{kind}.{theirs!r}: says {said!r}, a success, without looking at the "
                        "verdict; take it from data.verdict.verdict"
                    )
            for one, other in _overlapping(list(entries)):
                yield f"{kind}: {one!r} and {other!r} cannot both be there"
            if kind == "verdict" and not any(_speaks_of_verdict(kind, e) for e in entries.values()):
                yield (
                    "[verdict]: no field says what the verdict was, so that whoever gets it takes "
                    'any for a success; add one with from = "data.verdict.verdict"'
                )

    def _unsafe(self, entry: Entry) -> Iterator[str]:
        if not entry.words:
            return  # the hub's own words go out, which are four
        if missing := [word for word in WORDS if word not in entry.words]:
            yield f"`words` lacks {', '.join(missing)}; each of the four needs a word of its own"
            return
        folded = {word: _folded(becomes) for word, becomes in entry.words.items()}
        said = {word: _leaves(becomes) for word, becomes in entry.words.items()}
        success = _widened(self._named() | _passed(entry))
        for word in (each for each in entry.words if each != "PASS"):
            if said[word] & success or folded[word] == folded["PASS"]:
                yield (
                    f"{word} becomes {entry.words[word]!r}, which is a success; nothing but PASS "
                    "may be one. Give it a word that keeps the job open"
                )
        others = [folded[word] for word in WORDS[1:]]
        if len(set(others)) < len(others):
            yield "FAIL, INCONCLUSIVE and ABORTED need words of their own; two are the same"
        if entry.absent is not None:
            yield "`absent` would stand for a verdict that there is none of; leave it out"

    def _successes(self, says: Iterable[JsonValue]) -> list[JsonValue]:
        """Those of *says* that would be taken for a PASS in a body about a verdict."""
        passes = {
            leaf
            for entry in self._file.events["verdict"].values()
            if _speaks_of_verdict("verdict", entry) and "PASS" in entry.words
            for leaf in _passed(entry)
        }
        success = _widened(passes | self._named())
        return [one for one in says if one is not None and _leaves(one, keys=True) & success]

    def _named(self) -> set[str]:
        """What the file itself calls a success."""
        return {leaf for one in self._file.success for leaf in _leaves(one)}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise ConfigError(f"{path}: cannot be read as TOML: {wrong}") from wrong


def _entries(given: Mapping[str, Any]) -> Mapping[str, Any]:
    return {theirs: {"from": one} if isinstance(one, str) else one for theirs, one in given.items()}


def _formal(entry: Entry) -> Iterator[str]:
    if bool(entry.from_) == (entry.value is not None):
        yield "needs either `from` or `value`"
    if entry.value is not None and entry.words:
        yield "`words` without `from`"


def _speaks_of_verdict(kind: str, entry: Entry) -> bool:
    return entry.from_ == (_VERDICTS[0] if kind == "verdict" else _VERDICTS[1])


def _of_screen(event: Mapping[str, Any], entry: Entry, verdict: Any) -> Any:
    """The word to go by: a screen is told by its outcome, and its PASS is no success."""
    outcome = _at(event, _OUTCOMES[entry.from_])
    if not outcome:
        return verdict
    if str(outcome) in entry.words:
        return outcome
    return "INCONCLUSIVE" if verdict == "PASS" else verdict


def _folded(value: JsonValue) -> str:
    """Words that look alike to a person, or to a lenient parser, are the same."""
    if isinstance(value, dict):
        return str(sorted((_folded(key), _folded(one)) for key, one in value.items()))
    if isinstance(value, list):
        return str([_folded(one) for one in value])
    shown = unicodedata.normalize("NFKC", str(value)).casefold().translate(_ALIKE)
    shown = "".join(c for c in shown if unicodedata.category(c) not in _UNSEEN)
    try:
        number = Decimal(shown)
    except InvalidOperation:
        return _trimmed(shown) or shown
    return str(number.normalize() + 0) if number.is_finite() else shown


def _trimmed(text: str) -> str:
    """*text* without marks at either end."""
    marks = "".join(c for c in set(text) if unicodedata.category(c)[0] in "PS")
    return text.strip(marks)


def _leaves(value: JsonValue, *, keys: bool = False) -> set[str]:
    """Every word in *value*, whatever tables and lists it is in; of tables with the *keys*."""
    if isinstance(value, dict):
        of_keys = {_folded(key) for key in value} if keys else set()
        return of_keys.union(*(_leaves(one, keys=keys) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(_leaves(one, keys=keys) for one in value))
    return {_folded(value)}


def _passed(entry: Entry) -> set[str]:
    """The words that make a PASS of what it becomes: of a table, those that not all four share."""
    said = entry.words["PASS"]
    if not isinstance(said, dict | list):
        return _leaves(said)
    shared = _leaves(said)
    for word in WORDS:
        shared &= _leaves(entry.words.get(word))
    return _leaves(said) - shared


def _widened(success: set[str]) -> set[str]:
    return success | _SUCCESSES | (_YES if success & _YES else set())


def _overlapping(names: list[str]) -> Iterator[tuple[str, str]]:
    for one in names:
        for other in names:
            if other.startswith(f"{one}."):
                yield one, other


def _at(event: Mapping[str, Any], path: str) -> Any:
    found: Any = event
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def _put(made: dict[str, Any], path: str, value: Any) -> None:
    *levels, last = path.split(".")
    for name in levels:
        made = made.setdefault(name, {})
    made[last] = value
