"""A company's own pack may only ask for more of a job: each direction that a pack can go."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hub import rules
from hub.rulepack import Entry, RulePack, RulePackError, load_pack, reading, stricter
from hub.rulepack.entries import Frozen
from tests.test_rules import HEAD

BASE = load_pack()
ENTRIES: Mapping[str, Entry] = dict(BASE.entries())
OURS = {"clause": "city 5", "source": "city rule 2026-5", "mark": "S"}
PURGE, REPAIR, HAZARD = "job.residential_purge", "job.repair", "job.hazard"
START = f"{REPAIR}.step.start_work"
Change = Callable[[Any], Any]


@pytest.fixture(autouse=True)
def shipped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default is read once for all of these, and not a hundred times."""
    layers = reading._layers
    monkeypatch.setattr(
        reading, "_layers", lambda name, *rest: [BASE] if name == "default" else layers(name, *rest)
    )


def entry_of(key: str) -> str:
    """The entry that a key is, or is in."""
    while key not in ENTRIES:
        key = key.rpartition(".")[0]
    return key


def now_at(key: str) -> Any:
    """What the default says there; None: nothing."""
    found: Any = BASE.model_dump(mode="json")
    for name in key.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def toml(value: Any) -> str:
    if isinstance(value, dict):
        inside = (f"{k} = {toml(v)}" for k, v in value.items() if v is not None)
        return "{ " + ", ".join(inside) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def laid(
    folder: Path,
    tables: Mapping[str, Mapping[str, Any]],
    below: str = "default",
    name: str = "ours",
) -> RulePack:
    """A pack of these tables over *below*."""
    lines = [HEAD.replace('"default"', f'"{below}"').replace("our-city", name)]
    for key, fields in tables.items():
        lines.append(f"[{key}]")
        lines += [f"{field} = {toml(value)}" for field, value in fields.items()]
    path = folder / f"{name}.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return load_pack(str(path))


def with_approval(key: str, fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The change, and a name under the entry that it belongs to."""
    found: dict[str, dict[str, Any]] = {entry_of(key): {"approved": "Zhao Min, 2026-11-20"}}
    found.setdefault(key, {}).update(fields)
    return found


def each(**more: Any) -> Change:
    """In each table of a list, these values."""
    return lambda was: [{**one, **more} for one in was]


LOOSER: Mapping[str, tuple[str, Change]] = {
    "hazard.L1-1.hazard_class": ("no leak", lambda _: "pipe"),
    f"{REPAIR}.step.worked.needs": ("none", lambda _: []),
    f"{START}.needs ": ("another test will do", each(tests=["leak_test", "post_hold"])),
    f"{START}.needs  ": ("another age", each(clock="riser_pass")),
    f"{START}.needs   ": ("of any visit", each(this_visit=False)),
    f"{REPAIR}.step.resupply.needs": ("despite work", each(despite_work=True)),
    f"{START}.notices": ("none", lambda _: []),
    f"{START}.notices ": ("let be by two", each(waivable=True)),
    f"{START}.notices  ": ("of others only", each(when={"scope": ["post_meter"]})),
    f"{START}.notices   ": ("shorter", each(clock="repair_next_day")),
    f"{START}.after": ("one less", lambda was: was[1:]),
    f"{START}.undoes": ("one less", lambda was: was[1:]),
    f"{START}.phase": ("one more", lambda was: [*was, "reported"]),
    f"{START}.role": ("another", lambda _: "inspection"),
    f"{START}.role ": ("none", lambda _: ""),
    f"{START}.visit": ("from afar", lambda _: ""),
    f"{START}.releases": ("another", lambda _: "vent"),
    f"{START}.disturbs": ("no work", lambda _: False),
    f"{START}.when": ("not everywhere", lambda _: {"scope": ["meter"]}),
    f"{PURGE}.step.joint_check.when": ("only some", lambda _: {"new_user": ["no"]}),
    f"{PURGE}.step.site.to": ("further", lambda _: "lit"),
    f"{PURGE}.step.site.ends": ("the end", lambda _: "done"),
    f"{PURGE}.step.sign.repeats": ("again", lambda _: True),
    f"{PURGE}.step.riser_hold.section": ("another", lambda _: "indoor"),
    f"{REPAIR}.step.leak_test.falls": ("nowhere", lambda _: {"working": "working"}),
    f"{REPAIR}.step.post_hold.test": ("another", lambda _: "safe_to_work"),
    f"{REPAIR}.step.post_hold.opens": ("less grave", lambda _: {"FAIL": "L3-7"}),
    f"{REPAIR}.step.resume.rank": ("anybody", lambda _: "any"),
    "job.inspection.step.screened.needs": ("of any verdict", each(verdicts=["PASS", "FAIL"] * 2, despite_work=True)),  # noqa: E501
    "job.inspection.step.absent.count.answer": ("another", lambda _: "refused"),
    f"{REPAIR}.step.arrive.ask.tools.kind": ("a text", lambda _: "text"),
    "job.inspection.step.visit.ask.consent.when": ("else", lambda _: {"outcome": ["absent"]}),
    f"{REPAIR}.step.worked.ask.what.optional": ("left out", lambda _: True),
    f"{PURGE}.step.site.ask.items.all_ok": ("some", lambda _: False),
    f"{PURGE}.step.site.ask.items.checklist": ("another", lambda _: "inspection"),
    f"{PURGE}.step.flame.ask.meter_after.above": ("any", lambda _: ""),
    f"{REPAIR}.step.sign.ask.signature.personal": ("public", lambda _: ""),
    f"{PURGE}.step.vent_point.ask.place.options.indoors.goes_on": ("yes", lambda _: True),
    f"{PURGE}.step.vent_point.ask.place.options.indoors.forbids": ("else", lambda _: "x"),
    f"{PURGE}.step.joint_check.ask.result.options.leak.opens": ("less", lambda _: "L3-7"),
    f"{REPAIR}.facts.promised_at.optional": ("left out", lambda _: True),
    f"{PURGE}.signal.gas_alarm.to": ("on", lambda _: "lit"),
    f"{PURGE}.signal.gas_alarm.phase": ("less", lambda was: was[1:]),
    f"{PURGE}.signal.gas_alarm.undoes": ("less", lambda was: was[1:]),
    f"{PURGE}.signal.gas_alarm.seen": ("by nobody", lambda _: ""),
    f"{PURGE}.signal.gas_alarm.tells": ("else", lambda _: "nobody"),
    f"{HAZARD}.deadline.leak.until": ("sooner", lambda was: [*was, "notice"]),
    f"{HAZARD}.deadline.leak.starts": ("later", lambda _: "notice"),
    f"{HAZARD}.deadline.leak.clock": ("longer", lambda _: "self_fix"),
    f"{HAZARD}.deadline.leak.when": ("else", lambda _: {"leak": ["no"]}),
    f"{HAZARD}.deadline.leak.phase": ("less", lambda _: ["open"]),
    f"{REPAIR}.late.reported_late.fact": ("else", lambda _: "promised_at"),
    f"{PURGE}.user_classes": ("more", lambda was: [*was, "commercial"]),
    f"{REPAIR}.works": ("none", lambda _: []),
    f"{PURGE}.answers": ("less", lambda was: was[1:]),
    f"{PURGE}.retention": ("else", lambda _: "hazard"),
    "checklist.inspection.item.I3.on_failure": ("none", lambda _: []),
}  # fmt: skip


@pytest.mark.parametrize("key", LOOSER, ids=lambda key: f"{key.strip()}: {LOOSER[key][0]}")
def test_nobody_can_loosen_what_the_regulations_state(tmp_path: Path, key: str) -> None:
    """Not even by name. The error names file, key, value, clause and that."""
    table, _, field = key.strip().rpartition(".")
    value = LOOSER[key][1](now_at(key.strip()))
    with pytest.raises(RulePackError) as told:
        laid(tmp_path, with_approval(table, {field: value}))
    said = str(told.value)
    assert "ours.toml: " in said
    assert table.rpartition(".")[0] in said
    clause = ENTRIES[entry_of(table)].clause
    assert f"of the regulations, clause {clause}; nobody can approve that here" in said


STRICTER: Mapping[str, tuple[str, Change]] = {
    f"{START}.needs": ("one more", lambda was: [*was, {"tests": ["post_hold"], "clause": "c"}]),
    f"{START}.needs ": ("not despite work", each(despite_work=False)),
    f"{REPAIR}.step.resupply.needs": ("an age", each(clock="remeasure")),
    f"{START}.notices": ("let be by none", each(waivable=False)),
    f"{START}.after": ("one more", lambda was: [*was, "inspect"]),
    f"{START}.undoes": ("one more", lambda was: [*was, "inspect"]),
    f"{START}.phase": ("one less", lambda was: was[:1]),
    f"{START}.rank": ("a supervisor", lambda _: "supervisor"),
    f"{REPAIR}.step.dispatch.role": ("a certificate", lambda _: "repair"),
    f"{REPAIR}.step.dispatch.repeats": ("once", lambda _: False),
    f"{REPAIR}.step.dispute.visit": ("on site", lambda _: "within"),
    f"{REPAIR}.step.close_tonight.disturbs": ("work", lambda _: True),
    f"{REPAIR}.step.post_hold.opens": ("more", lambda was: {**was, "INCONCLUSIVE": "L3-7"}),
    f"{REPAIR}.step.worked.ask.damage.optional": ("asked", lambda _: False),
    "job.inspection.step.items.ask.items.all_ok": ("all", lambda _: True),
    f"{REPAIR}.step.meter_readings.ask.new_reading.above": ("more", lambda _: "old_reading"),
    f"{REPAIR}.step.worked.ask.damage.options.user.goes_on": ("no", lambda _: False),
    f"{REPAIR}.signal.accident.seen": ("by the hub", lambda _: "gas_over"),
    f"{REPAIR}.signal.accident.undoes": ("more", lambda was: [*was, "inspect"]),
    f"{REPAIR}.deadline.remeasure.phase": ("more", lambda was: [*was, "paused"]),
    f"{REPAIR}.deadline.remeasure.undoes": ("more", lambda was: [*was, "start_work"]),
    f"{PURGE}.user_classes": ("less", lambda was: was[:1]),
    f"{PURGE}.answers": ("more", lambda was: [*was, "filing"]),
    "checklist.site_residential.item.structure.on_failure": ("a hazard", lambda _: ["L3-7"]),
}


@pytest.mark.parametrize("key", STRICTER, ids=lambda key: f"{key.strip()}: {STRICTER[key][0]}")
def test_what_asks_for_more_is_taken_as_it_is(tmp_path: Path, key: str) -> None:
    """And is shown as such."""
    table, _, field = key.strip().rpartition(".")
    pack = laid(tmp_path, {table: {field: STRICTER[key][1](now_at(key.strip()))}})
    rows = [row for row in rules.difference(BASE, pack, "en") if row["key"].startswith(table)]
    assert [row["way"] for row in rows] == ["stricter"]


PROPOSALS: Mapping[str, tuple[str, Change]] = {
    f"{PURGE}.step.isolation.ask.as_ordered.optional": ("left out", lambda _: True),
    f"{PURGE}.step.pipe_work.undoes": ("less", lambda was: was[1:]),
    f"{PURGE}.step.decide.rank": ("anybody", lambda _: "any"),
    f"{REPAIR}.deadline.remeasure.to": ("goes on", lambda _: "working"),
    "open_point.purge_sample.dangerous": ("harmless", lambda _: False),
}


@pytest.mark.parametrize("key", PROPOSALS, ids=lambda key: f"{key}: {PROPOSALS[key][0]}")
def test_a_proposal_is_loosened_by_name_alone(tmp_path: Path, key: str) -> None:
    """It is told of ever after, and shown as looser."""
    table, _, field = key.rpartition(".")
    change = {field: PROPOSALS[key][1](now_at(key))}
    with pytest.raises(RulePackError) as told:
        laid(tmp_path, {table: change})
    assert f"name in `approved` of {entry_of(key)} who lets it be" in str(told.value)
    pack = laid(tmp_path, with_approval(table, change))
    (row,) = [row for row in rules.difference(BASE, pack, "en") if row["way"] == "looser"]
    assert row["key"] == key
    assert row["approved"] == "Zhao Min, 2026-11-20"


WORDS = {"text", "title", "says", "clause", "source", "mark", "owner", "approved"}
LOOKED_INTO = {"ask", "options", "facts", "late", "step", "signal", "deadline", "days", "tries"}
EITHER_WAY = {"sections", "phases", "starts", "stricter", "length", "instrument", "level"} | {
    "class_mark", "answered_by"
}  # fmt: skip


@pytest.mark.parametrize("model", stricter.STRICTER, ids=lambda model: model.__name__)
def test_every_field_of_a_job_has_its_direction(model: type[Frozen]) -> None:
    """Or it is words, is looked into, or may go either way: a new field is decided about."""
    left = set(model.model_fields) - set(stricter.STRICTER[model])
    assert left <= WORDS | LOOKED_INTO | EITHER_WAY


TEXT = {"zh": "捷径", "en": "short cut"}
WAYS_AROUND: Mapping[str, dict[str, Any]] = {
    f"{PURGE}.step.quick": {"text": TEXT, "phase": ["on_site"], "to": "purged"},
    f"{PURGE}.step.over": {"text": TEXT, "phase": ["on_site"], "ends": "done"},
    f"{PURGE}.step.open_up": {
        "text": TEXT, "phase": ["on_site"], "releases": "valve",
        "needs": [{"tests": ["indoor_hold"], "clause": "c"}],
    },
    f"{PURGE}.step.phone": {"text": TEXT, "phase": ["planned"], "visit": "begins"},
    f"{PURGE}.signal.all_clear": {
        "text": TEXT, "phase": ["stopped"], "to": "purged", "tells": "dispatch",
    },
    f"{REPAIR}.deadline.patience": {
        "text": TEXT, "starts": "promised_at", "to": "supplied", "tells": "dispatch",
    },
    f"{PURGE}.step.joint_check.ask.result.options.small_leak": {"says": TEXT},
}  # fmt: skip


@pytest.mark.parametrize("key", WAYS_AROUND)
def test_a_new_way_around_is_let_in_by_name_alone(tmp_path: Path, key: str) -> None:
    """What moves the job or lets something loose, and an answer that goes on."""
    fields = WAYS_AROUND[key] | (OURS if "options" not in key else {})
    with pytest.raises(RulePackError, match="is new, and is a way around what is there"):
        laid(tmp_path, {key: fields})
    holder = key if "options" not in key else entry_of(key)
    named = {key: fields} | {holder: {**({} if holder != key else fields), "approved": "Zhao Min"}}
    assert laid(tmp_path, named).job


def test_what_is_new_and_only_asks_for_more_is_taken(tmp_path: Path) -> None:
    """A step on the way, a question, an item, an answer that stops."""
    ask = {"says": {"zh": "门是否打开", "en": "Door open?"}, "kind": "yes_no"}
    stop = {"says": {"zh": "看不清", "en": "cannot be seen"}, "goes_on": False}
    pack = laid(
        tmp_path,
        {
            f"{REPAIR}.step.talk": {"text": TEXT, "phase": ["on_site"], **OURS},
            f"{START}.ask.door": ask,
            f"{REPAIR}.step.final_check.ask.result.options.unclear": stop,
            "checklist.inspection.item.I16": {"text": TEXT, **OURS},
        },
    )
    ways = {row["key"]: row["way"] for row in rules.difference(BASE, pack, "en")}
    assert ways == {
        f"{REPAIR}.step.talk": "new",
        f"{START}.ask.door": "new",
        f"{REPAIR}.step.final_check.ask.result.options.unclear": "new",
        "checklist.inspection.item.I16": "new",
    }


def test_a_city_cannot_loosen_what_its_company_only_repeated(tmp_path: Path) -> None:
    """Each layer is held to the regulations themselves, whatever mark stands in between."""
    laid(
        tmp_path, {START: {"mark": "P"}, "hold.indoor.hold_s": {**OURS, "value": 600, "mark": "P"}}
    )
    below = "./ours.toml"
    named = {START: {"notices": [], "approved": "Zhao Min"}}
    with pytest.raises(RulePackError, match=r"of the regulations, clause 4\.4\.9"):
        laid(tmp_path, named, below, "city")
    loose = {"hold.indoor.hold_s": {**OURS, "value": 200, "approved": "Zhao Min"}}
    with pytest.raises(RulePackError, match="less strict than 300 of the regulations"):
        laid(tmp_path, loose, below, "city")
    less = {"hold.indoor.hold_s": {**OURS, "value": 400, "approved": "Zhao Min"}}
    assert laid(tmp_path, less, below, "city").hold.indoor.hold_s.value == 400


def test_a_city_is_held_to_what_its_company_added(tmp_path: Path) -> None:
    """And the company's approval is not the city's."""
    stricter = {"after": [*now_at(f"{START}.after"), "inspect"]}
    isolation = f"{PURGE}.step.isolation"
    laid(tmp_path, {START: stricter, isolation: {"visit": "", "approved": "the company"}})
    with pytest.raises(RulePackError, match=r"start_work\.after is \[arrive, plan\]"):
        laid(tmp_path, {START: {"after": now_at(f"{START}.after")}}, "./ours.toml", "city")
    assert laid(tmp_path, {}, "./ours.toml", "city").job  # what the company approved stays
    with pytest.raises(RulePackError, match="name in `approved` of"):
        laid(tmp_path, {isolation: {"after": []}}, "./ours.toml", "city")


def test_over_the_example_city_the_same_holds(tmp_path: Path) -> None:
    """Its own pressure band is a proposal of its own; the regulations' steps are not."""
    with pytest.raises(RulePackError, match="nobody can approve that here"):
        laid(tmp_path, {START: {"notices": [], "approved": "Zhao Min"}}, "example_city")
    low = {"purge.pressure.low_pa": {**OURS, "value": 100}}
    with pytest.raises(RulePackError, match=r"low_pa\.value is 100, less strict than 500"):
        laid(tmp_path, low, "example_city")
    assert laid(tmp_path, {START: {"rank": "supervisor"}}, "example_city").job


def test_the_example_city_only_adds(tmp_path: Path) -> None:
    ways = {row["way"] for row in rules.difference(BASE, load_pack("example_city"), "en")}
    assert ways == {"new", "changed"}


def test_a_change_inside_a_job_is_shown_with_both_values(tmp_path: Path) -> None:
    pack = laid(tmp_path, {f"{PURGE}.step.site": {"phase": ["on_site"]}})
    (row,) = rules.difference(BASE, pack, "en")
    assert (row["key"], row["way"]) == (f"{PURGE}.step.site.phase", "stricter")
    assert (row["before"], row["after"]) == ("[on_site, purging]", "[on_site]")


def test_a_fact_made_of_another_cannot_take_an_orders_place(tmp_path: Path) -> None:
    """`late` under the name of a fact would answer in the order's stead."""
    late = {"fact": "reported_at", "clock": "late_report", **OURS}
    with pytest.raises(RulePackError, match="is a fact that is made of others"):
        laid(tmp_path, {f"{REPAIR}.late.hot_work": late})


def test_the_examples_of_the_page_are_taken(tmp_path: Path) -> None:
    """Typed off docs/rules.md, the second over the first."""
    page = (Path(__file__).parent.parent / "docs" / "rules.md").read_text(encoding="utf-8")
    first, second = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "ours.toml").write_text(first, encoding="utf-8")
    head = HEAD.replace('"default"', '"./ours.toml"')
    (tmp_path / "city.toml").write_text(head + second, encoding="utf-8")
    pack = load_pack(str(tmp_path / "city.toml"))
    assert "gas_watch" in pack.job["repair"].step["start_work"].after
    assert pack.hold.indoor.hold_s.value == 600
