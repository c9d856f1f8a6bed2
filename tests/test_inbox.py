"""Orders by watched folder and by MQTT topic: real processes, a real broker, real kills."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest

from hub.inbox import csv_rows, json_rows, xlsx_rows
from hub.inbox.desk import hand_over
from hub.inbox.row import Row, Unreadable, as_json
from hub.ledger import verify
from hub.order_file import strict_json
from hub.simulate.mosquitto import Mosquitto
from hub.testing import wait_until
from tests.api_rig import House, order
from tests.foreman_rig import purge_order
from tests.mqtt_rig import Listener, Speaker

CSV = """number,procedure,medium,p_operating_pa,section.id,site,trial,instruments
C-1,indoor_hold,air,,A-7,east,true,pm-1:pressure
C-2,indoor_hold,air,2000,A-8,east,,pm-1:pressure; gt-1:gas_temperature
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A hub and its inbox, with a folder; `api` is not started."""
    made = build(tmp_path)
    made.start("run")
    made.start("inbox")
    yield made
    for name in ("inbox", "run"):
        made.stop(name)


def build(tmp_path: Path, more: str = "") -> House:
    (tmp_path / "in").mkdir()
    folder = f'[[inbox]]\nname = "office"\nkind = "folder"\nfolder = "{tmp_path}/in"\n'
    return House(tmp_path, more=f"{folder}quiet_s = 0.5\n{more}")


def drop(house: House, name: str, data: bytes | str) -> None:
    """Put a file into the folder as a good sender does: whole, by a rename."""
    part = house.folder / f"{name}.part"
    part.write_bytes(data.encode() if isinstance(data, str) else data)
    part.rename(house.folder / "in" / name)


def replies(house: House, name: str = "") -> list[dict[str, Any]]:
    found = (house.folder / "in" / "replies").glob(f"{name}*.json")
    return [json.loads(path.read_text("utf-8")) for path in sorted(found)]


def gone(house: House) -> bool:
    return not [path for path in (house.folder / "in").iterdir() if path.is_file()]


def numbers(house: House) -> list[str]:
    return [row[0] for row in house.rows("SELECT number FROM orders ORDER BY number")]


# -- decoders


def test_a_table_becomes_orders_by_its_headings() -> None:
    """Dots make tables, numbers keep their digits, an empty cell says nothing."""
    one, two = csv_rows.rows(CSV.encode(), "utf-8", ",")
    assert one.order == {
        "number": "C-1", "procedure": "indoor_hold", "medium": "air", "section": {"id": "A-7"},
        "site": "east", "trial": True, "instruments": [{"name": "pm-1", "quantity": "pressure"}],
    }  # fmt: skip
    assert two.order is not None
    assert [each["name"] for each in two.order["instruments"]] == ["pm-1", "gt-1"]
    assert (one.place, two.place, str(two.order["p_operating_pa"])) == ("line 2", "line 3", "2000")


def test_a_workbook_says_the_same_as_the_table() -> None:
    assert [row.order for row in xlsx_rows.rows(workbook())] == [
        row.order for row in csv_rows.rows(CSV.encode(), "utf-8", ",")
    ]


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in CSV.splitlines():
        sheet.append([int(cell) if cell.isdecimal() else cell for cell in line.split(",")])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_formula_without_its_value_is_refused_by_its_cell() -> None:
    """Else the row would be taken without what the cell says. Other sheets are not read."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["number", "p_operating_pa"])
    sheet.append(["X-1", "=2000+3"])
    book.create_sheet()["D9"] = "=1"
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(Unreadable, match="cell B2 has a formula without its value"):
        xlsx_rows.rows(out.getvalue())

    better = io.BytesIO()
    with ZipFile(out) as packed, ZipFile(better, "w", ZIP_DEFLATED) as saved:
        for name in packed.namelist():
            saved.writestr(name, packed.read(name).replace(b"2000+3</f><v />", b"1</f><v>2003</v>"))
    (row,) = xlsx_rows.rows(better.getvalue())
    assert row.order == {"number": "X-1", "p_operating_pa": 2003}


def test_a_number_goes_to_the_hub_by_its_digits() -> None:
    text = '{"p": 0.10, "q": 1E+3, "r": [2.675, -0], "s": "é", "t": null, "u": true}'
    assert strict_json(as_json(strict_json(text, "x")), "y") == strict_json(text, "x")
    assert "0.10" in as_json(strict_json(text, "x"))


@pytest.mark.parametrize(
    ("decode", "data"),
    [
        (json_rows.rows, b'[{"number": "A"'),
        (json_rows.rows, b"\xff\xfe"),
        (json_rows.rows, b'{"a": 1, "a": 2}'),
        (lambda data: csv_rows.rows(data, "utf-8", ","), b""),
        (lambda data: csv_rows.rows(data, "utf-8", ","), b"number,procedure\nA,indoor_ho"),
        (lambda data: csv_rows.rows(data, "utf-8", ","), b"name\nA\n"),
        (lambda data: csv_rows.rows(data, "utf-8", ","), b"number,number\nA,B\n"),
        (lambda data: csv_rows.rows(data, "utf-8", ","), b'number\n"A\n'),
        (lambda data: csv_rows.rows(data, "utf-8", ","), b"number\n\xff\n"),
        (xlsx_rows.rows, b""),
        (xlsx_rows.rows, b"PK\x03\x04 and then nothing"),
        (xlsx_rows.rows, workbook()[:-200]),
    ],
)
def test_what_cannot_be_read_says_why(decode: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(Unreadable) as wrong:
        decode(data)
    assert len(str(wrong.value)) > 10


@pytest.mark.parametrize(
    ("head", "cell", "says"),
    [
        ("p_design_pa", "5 kPa", "no number"),
        ("trial", "maybe", "neither true nor false"),
        ("number.x", "1", "column of its own"),
        ("points", "{", "JSON"),
    ],
)
def test_a_wrong_cell_is_named_with_its_column(head: str, cell: str, says: str) -> None:
    (row,) = csv_rows.rows(f"number,{head}\nA,{cell}\n".encode(), "utf-8", ",")
    assert row.order is None
    assert says in row.fault
    assert head in row.fault


ROW = "<row>{}</row>"
HEADS = ROW.format('<c t="inlineStr"><is><t>number</t></is></c>')


def sheet(rows: str, **members: str) -> bytes:
    """The workbook with another sheet, and other members by their last names."""
    out = io.BytesIO()
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    members = {"sheet1": f"<worksheet {space}><sheetData>{rows}</sheetData></worksheet>", **members}
    with ZipFile(io.BytesIO(workbook())) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for name in {**dict.fromkeys(old.namelist()), "xl/sharedStrings.xml": None}:
            text = members.get(Path(name).stem)
            if text is not None or name in old.namelist():
                new.writestr(name, text or old.read(name))
    return out.getvalue()


@pytest.mark.parametrize(
    ("rows", "members", "says"),
    [
        (HEADS + ROW.format("<c><v>1</v></c>" * 500_000), {}, "200 cells"),
        (HEADS + ROW.format("<c><v>1</v></c>" * 201), {}, "200 cells"),
        (HEADS + "<row/>" * 1_000_000, {}, "20000 rows"),
        (HEADS + "<x/>" * 1_000_000, {}, "styles"),
        (HEADS, {"sharedStrings": f"<sst>{'<si><t/></si>' * 300_000}</sst>"}, "texts"),
        (HEADS, {"styles": f"<styleSheet><cellXfs>{'<xf/>' * 1_000_000}</cellXfs></styleSheet>"},
         "styles"),
        (HEADS, {"styles": "<x>" * 1000}, "deep"),
        (HEADS, {"styles": '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'}, "document type"),
        (HEADS + " " * (9 << 20), {}, "unpacked"),
    ],
)  # fmt: skip
def test_a_small_workbook_that_would_be_large_is_refused(
    rows: str, members: dict[str, str], says: str
) -> None:
    """Before the library builds anything of it."""
    data = sheet(rows, **members)
    with pytest.raises(Unreadable, match=says):
        xlsx_rows.rows(data)


def test_the_largest_files_that_are_taken_leave_the_unit_room(tmp_path: Path) -> None:
    """In a process of their own; the shipped unit has MemoryMax=192M."""
    cell = '<c t="inlineStr"><is><t>number%d</t></is></c>'
    rows = "".join(ROW.format(cell % at * 9) for at in range(15_000))
    (tmp_path / "a.xlsx").write_bytes(sheet(HEADS + rows))
    (tmp_path / "b.xlsx").write_bytes(sheet(HEADS + ROW.format("<c/>" * 200) * 8000))
    (tmp_path / "c.json").write_bytes(b"[" + b"[12,13],{}," * 160_000 + b"1]")
    program = (
        "import sys, hub.inbox.serving\n"
        "from pathlib import Path\n"
        "from hub.inbox import json_rows, xlsx_rows\n"
        "from hub.inbox.row import Unreadable\n"
        "data = Path(sys.argv[1]).read_bytes()\n"
        "try:\n"
        "    (json_rows if sys.argv[1].endswith('json') else xlsx_rows).rows(data)\n"
        "except Unreadable: pass\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(status.split('VmHWM:')[1].split()[0]) >> 10)\n"
    )
    for file in sorted(tmp_path.iterdir()):
        done = subprocess.run(
            [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True
        )
        assert int(done.stdout) < 160, (file.name, done.stdout)


# -- the folder


def test_each_row_of_a_file_gets_its_answer(house: House) -> None:
    """Good rows are taken, bad ones refused with a reason; the file moves, the reply stays."""
    drop(house, "a.csv", CSV + "C-3,indoor_hold,beer,,,,,pm-1:pressure\n,indoor_hold,,,,,,\n")
    wait_until(lambda: gone(house))

    (reply,) = replies(house)
    assert [one["result"] for one in reply["rows"]] == ["taken", "taken", "refused", "refused"]
    assert "medium" in reply["rows"][2]["detail"]
    assert "number" in reply["rows"][3]["detail"]
    assert house.rows("SELECT number, site, trial FROM orders ORDER BY number") == [
        ("C-1", "east", 1), ("C-2", "east", 0)
    ]  # fmt: skip
    assert (house.folder / "in" / "done" / "a.csv").exists()


def test_every_format_and_jobs_and_cancelling_go_the_same_way(house: House) -> None:
    """JSON, XLSX, a whole job, and an order that is given up."""
    drop(house, "a.json", json.dumps([order("J-1"), purge_order("J-2")]))
    drop(house, "b.xlsx", workbook())
    drop(house, "c.json", json.dumps({"number": "J-1", "do": "cancel", "reason": "away"}))
    drop(house, "d.json", json.dumps({"number": "J-1", "do": "amend"}))
    drop(house, "e.txt", "hello")
    wait_until(lambda: gone(house))

    taken = {one["input"]: (one["taken"], one["refused"], one["fault"]) for one in replies(house)}
    assert {name: said[:2] for name, said in taken.items()} == {
        "a.json": (2, 0), "b.xlsx": (2, 0), "c.json": (1, 0), "d.json": (0, 1), "e.txt": (0, 0)
    }  # fmt: skip
    assert "taken are .json" in taken["e.txt"][2]
    assert house.rows("SELECT state FROM orders WHERE number='J-1'") == [("aborted",)]
    assert house.rows("SELECT kind FROM jobs") == [("residential_purge",)]
    refused = {path.name for path in (house.folder / "in" / "refused").iterdir()}
    assert refused == {"d.json", "e.txt"}


def test_the_same_file_twice_changes_nothing(house: House) -> None:
    """Nor when an instrument was calibrated in between. What was cancelled since says so."""
    drop(house, "a.csv", CSV)
    wait_until(lambda: gone(house))
    record = {"name": "pm-1", "quantity": "pressure", "calibrated_until": "2027-01-31"}
    house.ask("instrument.put", text=json.dumps(record))
    size = house.rows("SELECT count(*) FROM entries")
    before = replies(house)
    drop(house, "a.csv", CSV)
    wait_until(lambda: gone(house))

    assert house.rows("SELECT count(*) FROM entries") == size
    assert replies(house) == before
    assert len(list((house.folder / "in" / "done").iterdir())) == 2

    house.ask("order.abort", number="C-2", reason="away")
    drop(house, "a.csv", CSV)
    wait_until(lambda: gone(house))
    (after,) = replies(house)
    assert [row["result"] for row in after["rows"]] == ["taken", "refused"]
    assert "was cancelled" in after["rows"][1]["detail"]


def test_a_file_that_is_still_written_is_not_read(house: House) -> None:
    """Not under its .part name, nor while it grows."""
    text = json.dumps(order("W-1"))
    (house.folder / "in" / "w.json.part").write_text(text[:20])
    with (house.folder / "in" / "x.json").open("w") as slow:
        for at in range(0, len(text), 40):
            slow.write(text[at : at + 40])
            slow.flush()
            os.utime(house.folder / "in" / "x.json")
            wait_until(lambda: house.ask("status")["store"] == "ok")
        drop(house, "z.json", json.dumps(order("Z-1")))
    wait_until(lambda: len(replies(house)) == 2)
    assert [one["fault"] for one in replies(house)] == ["", ""]
    assert numbers(house) == ["W-1", "Z-1"]
    assert (house.folder / "in" / "w.json.part").exists()


def test_without_a_hub_the_file_waits(house: House) -> None:
    house.stop("run")
    drop(house, "a.json", json.dumps(order("H-1")))
    wait_until(lambda: "inbox_waits" in (house.folder / "inbox.log").read_text())
    assert replies(house) == []
    assert not gone(house)
    house.start("run")
    wait_until(lambda: gone(house))
    assert numbers(house) == ["H-1"]
    assert "inbox_back" in (house.folder / "inbox.log").read_text()


def test_nothing_is_lost_over_kills_of_both(house: House) -> None:
    """Twelve files, six kills: every order is there once, every file has its whole reply."""
    wanted = []
    for at in range(12):
        given = [order(f"K-{at:02}-{row}") for row in range(5)]
        wanted += [one["number"] for one in given]
        drop(house, f"k{at:02}.json", json.dumps(given))
        if at % 2:
            name = "run" if at % 4 == 1 else "inbox"
            house.stop(name, signal.SIGKILL)
            if name == "inbox":
                (house.folder / "inbox.log").write_text("")
            house.start(name)
    wait_until(lambda: gone(house), within_s=60)

    assert numbers(house) == sorted(wanted)
    told = [row["number"] for one in replies(house) for row in one["rows"]]
    assert sorted(told) == sorted(wanted)
    assert house.recorded("order") == len(wanted)
    house.stop("run")
    assert verify(house.state).ok


def test_the_pages_example_is_taken(house: House) -> None:
    page = (Path(__file__).parent.parent / "docs" / "inbox.md").read_text("utf-8")
    example = page.split("```csv\n")[1].split("```")[0]
    drop(house, "a.csv", example)
    wait_until(lambda: gone(house))
    assert [one["taken"] for one in replies(house)] == [1]


def test_the_longest_name_of_a_file_holds_up_no_other(house: House) -> None:
    """255 bytes, as many as a name can have: answered under a shorter one, and never logged."""
    long = f"{'单' * 83}a.json"
    assert len(long.encode()) <= 255
    part = house.folder / "new.part"  # in the inbox's own folder a name with .part has no room
    for text in (json.dumps(order("L-1")), json.dumps(order("L-2"))):
        part.write_text(text)
        part.rename(house.folder / "in" / long)
        wait_until(lambda: gone(house))
    drop(house, "z.json", json.dumps(order("L-3")))
    wait_until(lambda: gone(house))

    assert numbers(house) == ["L-1", "L-2", "L-3"]
    assert [one["taken"] for one in replies(house)] == [1, 1, 1]
    assert "单" not in (house.folder / "inbox.log").read_text()


def test_no_file_holds_up_the_others(house: House) -> None:
    """Names of other encodings, endless nesting: each is answered and put aside."""
    nested = b'{"a":' * 600 + b"1" + b"}" * 600
    with_dots = b"number," + b"a." * 2000 + b"b\nX,1\n"
    foreign = os.fsdecode("工单.json".encode("gbk"))
    drop(house, foreign, json.dumps(order("N-1")))
    drop(house, os.fsdecode("文.单".encode("gbk")), b"?")
    drop(house, "b.json", b'{"number": "N-2", "isolation": ' + nested + b"}")
    drop(house, "c.csv", with_dots)
    drop(house, "d.csv", b'number,a\nN-3,"' + nested.replace(b'"', b'""') + b'"\n')
    drop(house, "e.json", json.dumps([{"number": [1, "x"]}, {"number": "N-4", "do": ["add"]}]))
    drop(house, "z.json", json.dumps(order("N-5")))
    wait_until(lambda: gone(house), within_s=30)

    assert numbers(house) == ["N-1", "N-5"]
    told = {one["input"]: one for one in replies(house)}
    assert "nested too deep" in told["b.json"]["fault"]
    assert "dots" in told["c.csv"]["rows"][0]["detail"]
    assert "nested too deep" in told["d.csv"]["rows"][0]["detail"]
    assert [one["detail"] for one in told["e.json"]["rows"]] == [
        '"number" is [1, "x"]; it must be text', '"do" is ["add"]; add or cancel'
    ]  # fmt: skip
    assert (house.folder / "in" / "done" / foreign).exists()


def test_a_fault_of_ours_is_the_fault_of_one_row() -> None:
    """Whatever is raised of a row, the rows beside it have their turn."""

    def ask(_do: str, /, text: str) -> dict[str, Any]:
        if "B" in text:
            raise RecursionError
        return {}

    rows = [Row(f"order {name}", {"number": name}) for name in "ABC"]
    assert [one.result for one in hand_over(ask, "x", rows)] == ["taken", "refused", "taken"]


# -- the topic


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "mq"
    folder.mkdir()
    with Mosquitto(folder) as made:
        yield made


def test_orders_by_topic_get_their_replies_over_kills(tmp_path: Path, broker: Mosquitto) -> None:
    """Each message is answered, bad ones too, and none is lost while either process is dead."""
    made = build(tmp_path, (
        f'[[inbox]]\nname = "erp"\nkind = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\n'
        'topic = "erp/orders"\nreply_topic = "erp/replies"\nretry_at_most_s = 1\n'
    ))  # fmt: skip
    made.start("run")
    made.start("inbox")
    try:
        with Listener(broker.port, "erp/replies") as heard, Speaker(broker.port) as speaker:
            wait_until(lambda: "connected" in (tmp_path / "inbox.log").read_text()
                       or subscribed(speaker, heard))  # fmt: skip
            speaker.say(json.dumps(order("M-1")).encode(), b"{", topic="erp/orders")
            wait_until(lambda: {"M-1", ""} <= numbers_told(heard))
            made.stop("inbox", signal.SIGKILL)
            speaker.say(json.dumps([order("M-2"), order("M-3")]).encode(), topic="erp/orders")
            made.stop("run", signal.SIGKILL)
            (tmp_path / "inbox.log").write_text("")
            made.start("inbox")
            speaker.say(json.dumps(order("M-4")).encode(), topic="erp/orders")
            made.start("run")
            wait_until(lambda: {"M-2", "M-3", "M-4"} <= numbers_told(heard), within_s=60)
        assert [number for number in numbers(made) if number != "M-0"] == [
            "M-1",
            "M-2",
            "M-3",
            "M-4",
        ]
        assert any("JSON" in json.loads(one)["fault"] for one in heard.heard)
    finally:
        for name in ("inbox", "run"):
            made.stop(name)


def subscribed(speaker: Speaker, heard: Listener) -> bool:
    """Whether an order comes through; before the first subscription nothing is kept for us."""
    speaker.say(json.dumps(order("M-0")).encode(), topic="erp/orders")
    return bool(heard.heard)


def numbers_told(heard: Listener) -> set[str]:
    found = set()
    for one in list(heard.heard):
        told = json.loads(one)
        found |= {row["number"] for row in told["rows"]} or {""}
    return found


# -- the process


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("", "no [[inbox]]"),
        ('[[inbox]]\nname = "a"\nkind = "foldr"', "did you mean"),
        ('[[inbox]]\nname = "a"\nkind = "folder"', "folder"),
        (
            '[[inbox]]\nname = "a"\nkind = "mqtt"\nhost = "h"\ntopic = "t"\nreply_topic = "t"',
            "back",
        ),
    ],
)
def test_a_wrong_inbox_is_exit_2_and_says_why(tmp_path: Path, lines: str, says: str) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(f'[hub]\ngateway = "gw"\nstate_dir = "{tmp_path}"\nplugins = []\n{lines}\n')
    words = ("inbox",) if not lines else ("inbox", "check")
    for word in words:
        said = subprocess.run(
            [sys.executable, "-m", "hub", word, config], capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert (said.returncode, says in said.stderr) == (2, True), said.stderr
