"""Answers on a terminal of 80 columns: nothing wider, no id broken, warnings seen."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from ulid import ULID

from hub.order_view import show_order
from hub.tables import show
from hub.texts import Language
from tests.terminal_rig import WIDTH, on_a_terminal


def shown(answer: Any) -> str:
    screen = Console(file=io.StringIO(), width=WIDTH)
    show(answer, screen)
    return printed(screen)


def printed(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    text = screen.file.getvalue()
    assert [line for line in text.splitlines() if cell_len(line) > WIDTH] == []
    return text


def parcel(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(ULID()),
        "sink": "gov_filing",
        "order": "2026-1184",
        "kind": "verdict",
        "state": "taken",
        "attempts": 1,
        "created": "2026-11-23T02:22:11.123456Z",
        "receipt": f"R-{ULID()}",
        "reason": "",
        "batch": str(ULID()),
        "key": f"gw-0001:{ULID()}:{ULID()}",
        **changes,
    }


def test_a_list_of_deliveries_keeps_every_id_whole() -> None:
    """Id, sink, order and state stand in a row; receipt, batch and key under it."""
    parcels = [parcel(), parcel(reason="field inspector_id is empty; fix the order " * 3)]

    text = shown(parcels)

    for one in parcels:
        for key in ("id", "receipt", "batch", "key"):
            assert one[key] in text
        row = next(line for line in text.splitlines() if line.startswith(one["id"]))
        assert row.split()[1:5] == ["gov_filing", "2026-1184", "verdict", "taken"]
    assert "reason: field inspector_id is empty" in text
    assert text.count("reason:") == 1


def test_times_are_those_of_the_field() -> None:
    """UTC in the record, Asia/Shanghai on the screen, with its offset."""
    assert "2026-11-23 10:22:11+08" in shown([parcel()])
    assert "2026-11-23 10:22:11+08" in shown({"since_us": 1795400531123456})


def test_the_list_of_orders_is_one_row_each() -> None:
    orders = [
        {
            "number": f"2026-118{k}",
            "state": "open",
            "added": "2026-11-23T02:22:11.123456Z",
            "verdict": verdict,
        }
        for k, verdict in enumerate(("PASS", "INCONCLUSIVE", ""))
    ]

    lines = shown(orders).splitlines()

    assert lines[0].split() == ["number", "state", "added", "verdict"]
    assert [line.split()[0] for line in lines[1:]] == ["2026-1180", "2026-1181", "2026-1182"]


def test_the_status_of_a_hub_is_read_without_braces() -> None:
    """Lines and sinks are tables; the root of the ledger, 64 characters, is whole."""
    status = {
        "gateway": "gw-0001",
        "store": "ok",
        "ledger": {"size": 12, "root": "ab" * 32},
        "lines": {
            "line-a": {
                "pm-1": {"state": "ok", "heard_us": 1795400531123456, "reason": "", "drops": {}},
                "pm-2": {
                    "state": "lost",
                    "heard_us": 0,
                    "reason": "pm-2 on /dev/serial/by-id/usb-0: unit 2: no answer in 0.3 s; check",
                    "drops": {"modbus_busy": 3},
                },
            }
        },
        "links": [],
        "sinks": [{"sink": "crm", "standing": "open", "waiting": 0}],
        "instruments": {"pm-1": "5000.1 Pa good at 2026-11-23T02:22:11.123456Z"},
    }

    text = shown(status)

    assert "{" not in text
    assert "ab" * 32 in text
    assert re.search(r"^ *pm-1 +ok", text, re.MULTILINE)
    assert "modbus_busy 3" in text
    assert re.search(r"^ *crm +open +0", text, re.MULTILINE)
    assert "5000.1 Pa good at 2026-11-23 10:22:11+08" in text


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        "text",
        {"a": None, "b": [], "c": {}, "d": False},
        [{"a": 1}, {"b": 2}],
        {"log": [{"deep": {"er": [{"x": [1, 2]}]}}]},
        {"long": "x" * 300},
        [{"字": "管道保不住要求压力" * 12, "n": 1}],
    ],
)
def test_no_answer_makes_the_screen_stumble(answer: Any) -> None:
    shown(answer)


def test_warnings_come_last_and_are_called_so() -> None:
    lines = shown({"number": "1", "warnings": ["pm-9 is not known"]}).splitlines()

    assert lines[-1] == "warning: pm-9 is not known"
    assert not any(line.startswith("warnings") for line in lines)


VERDICT = {
    "number": "2026-1184",
    "procedure": "indoor_hold",
    "verdict": "FAIL",
    "reasons": ["drop"],
    "flags": [],
    "figures": {"drop_raw_pa": "41.37931", "events": [{"at_us": 1, "event": "zeroed"}]},
    "limits": {"drop_pa": {"value": "20", "clause": "1.6.1, 1.6.5"}},
    "clauses": ["1.6.1", "1.6.5"],
    "not_checked": [],
    "sentence": {"zh": "户内保压：不合格。压力下降 41.4 Pa，允许 20 Pa。", "en": "Failed."},
}


def an_order(now: list[dict[str, Any]]) -> dict[str, Any]:
    test, attempt = str(ULID()), str(ULID())
    return {
        "number": "2026-1184",
        "id": str(ULID()),
        "state": "open",
        "added": "2026-11-23T02:22:11.123456Z",
        "entry": 7,
        "tests": [{"id": test, "step": "indoor", "procedure": "indoor_hold"}],
        "attempts": [
            {
                "attempt": attempt,
                "test": test,
                "state": "decided",
                "opened": "2026-11-23T02:22:11.123456Z",
                "entry": 99,
                "verdict_id": str(ULID()),
                "verdict": VERDICT,
            },
            {**dict.fromkeys(("entry",)), "attempt": str(ULID()), "test": test, "state": "open",
             "opened": "2026-11-23T03:00:00.000000Z", "verdict_id": "", "verdict": {}},
        ],
        "now": now,
    }  # fmt: skip


def order_shown(now: list[dict[str, Any]], lang: Language) -> str:
    screen = Console(file=io.StringIO(), width=WIDTH)
    show_order(an_order(now), lang, screen)
    return printed(screen)


NOW = {
    "attempt": str(ULID()),
    "order": "2026-1184",
    "step": "indoor",
    "procedure": "indoor_hold",
    "readings": 340,
    "stage": "stabilising",
    "since_us": 1795400531123456,
    "remaining_s": "120",
    "latest": "4987.1 Pa",
}


def test_an_order_shows_sentence_and_clauses_in_the_gateways_language() -> None:
    """Each clause once; the sentence once, in one language; what is empty is not there."""
    text = order_shown([], "zh")

    assert "户内保压：不合格。压力下降 41.4 Pa，允许 20 Pa。" in text
    assert "Failed." not in text
    assert re.search(r"clauses +1\.6\.1, 1\.6\.5$", text, re.MULTILINE)
    assert text.count("1.6.1") == 1
    assert "flags" not in text
    assert "now" not in text


def test_an_order_shows_what_is_to_be_done_next() -> None:
    """Stage, time left, newest value and the hint."""
    hint = {"zh": "请补压", "en": "Below required 5000 Pa, now 4987.1 Pa: top up"}
    text = order_shown([{**NOW, "figures": {"top_ups": 0, "hints": [hint]}}], "en")

    assert "stabilising, 120 s left at most" in text
    assert re.search(r"latest +4987\.1 Pa", text)
    assert "  Below required 5000 Pa, now 4987.1 Pa: top up\n" in text


def test_an_order_shows_the_points_of_a_safe_to_work_test() -> None:
    """A line each: stayed of needed, largest value; not begun; and where to go again."""
    points = [
        {"point": "kitchen", "role": "ceiling", "stayed_s": "65", "needed_s": "60",
         "enough": True, "hole": False, "max_pct_lel": "3.5"},
        {"point": "meter", "role": "suspect", "stayed_s": "70", "needed_s": "60",
         "enough": False, "hole": True, "max_pct_lel": "7", "max_pct_vol": "0.3"},
        {"point": "shaft", "role": "other", "stayed_s": "0", "enough": False, "hole": False},
    ]  # fmt: skip
    figures = {"points": points, "roles_missing": ["suspect"], "hints": []}

    text = order_shown([{**NOW, "stage": "sampling", "figures": figures}], "en")

    rows = {line.split()[0]: line for line in text.splitlines() if line.startswith("    ")}
    assert re.search(r"ceiling +65 of 60 s +3\.5 %LEL +complete", rows["kitchen"])
    assert re.search(r"suspect +70 of 60 s +7 %LEL, 0\.3 %vol +readings missing", rows["meter"])
    assert "not yet" in rows["shaft"]
    assert re.search(r"roles_missing +suspect", text)


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    """A configuration with one pressure gauge that only the facts mention, and an order file."""
    config = tmp_path / "gateway.toml"
    config.write_text(
        f'[hub]\ngateway = "gw-test"\nstate_dir = "{tmp_path}/state"\nplugins = []\n'
        'reserve_mib = 0\nlanguage = "en"\n'
        '[[instrument]]\nname = "pm-1"\nquantity = "pressure"\n',
        encoding="utf-8",
    )
    order = {
        "number": "WO-1",
        "procedure": "indoor_hold",
        "instruments": [{"name": "pm-11", "quantity": "pressure"}],
    }
    (tmp_path / "order.json").write_text(json.dumps(order), encoding="utf-8")
    return config


def test_a_terminal_gets_text_and_a_pipe_gets_json(gateway: Path) -> None:
    """The same command: a warning to read on the one, the same in a field on the other."""
    options = (str(gateway.parent / "order.json"), "--config", str(gateway))

    screen = on_a_terminal("order", "add", *options)
    piped = subprocess.run(
        [sys.executable, "-m", "hub", "order", "add", *options],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip

    answer = json.loads(piped.stdout)
    assert re.search(r"^number +WO-1$", screen, re.MULTILINE)
    assert answer["id"] in screen
    (warning,) = answer["warnings"]
    assert 'instrument "pm-11"' in warning
    assert 'did you mean "pm-1"?' in warning
    assert "warning: " + warning == " ".join(screen[screen.index("warning: ") :].split())
    listed = on_a_terminal("order", "show", "WO-1", "--config", str(gateway))
    assert answer["id"] in listed
    assert answer["tests"][0]["id"] in listed
