"""Papers as other programs read them: whole Chinese text, embedded fonts, true curves."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hub.errors import CommandRefused
from hub.foreman.personal import Recipient
from hub.ledger import encode_block
from hub.measuring import measure
from hub.model import Intake, entered_by
from hub.records import Record, Words
from hub.records.paper import PAPERS, find_font, print_paper, set_paper
from hub.records.paper.course import Course, Stage, course_of
from hub.records.paper.curve import Span, round_step, thinned, unbroken, whole
from hub.records.paper.font import Font, drawn
from hub.texts import Language
from hub.texts.records import RECORDS
from tests.foreman_rig import GAUGE, PHOTO_SHA, Yard, purge_order
from tests.job_rig import items
from tests.records_rig import (
    ABSENT,
    CUSTOMER,
    HAZARD,
    INSPECTED,
    LEAK,
    PURGE,
    REPAIR,
    days_of_work,
    png,
)

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
MICROHEI = Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc")
FAILED, VENTED = "2026-2002", "2026-2003"


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a few days of work, with a leaking pipe and a spoilt test as well."""
    folder = tmp_path_factory.mktemp("state")
    with Yard(folder) as yard:
        days_of_work(yard)
        for number, step, more in (
            (FAILED, "indoor_hold", {"drop_pa": 110}),
            (VENTED, "riser_hold", {"vent_after_s": 500}),
        ):
            yard.open(purge_order(number, customer=dict(CUSTOMER)))
            yard.step(number, "acceptance", accepted="yes", record="AR-1")
            yard.step(number, "plan", approved="yes", document="PL-1")
            yard.step(number, "arrive", consent="yes")
            yard.step(number, "isolation", valves="both ends closed", as_ordered="yes")
            yard.hold(number, step, every_s=2, **more)
    return folder


@pytest.fixture
def record(worked: Path) -> Iterator[Record]:
    with Record(worked) as opened:
        yield opened


class Printed(NamedTuple):
    """A paper on the disk, as poppler's tools see it."""

    path: Path

    def run(self, tool: str, *args: object) -> str:
        said = subprocess.run(
            [tool, *map(str, args)], capture_output=True, check=True, timeout=60
        ).stdout
        return said.decode()

    @property
    def text(self) -> str:
        return self.run("pdftotext", "-layout", self.path, "-")

    @property
    def flat(self) -> str:
        """Without blanks and line ends: what was broken over lines is whole."""
        return re.sub(r"\s", "", self.text)

    def right_edges(self) -> list[float]:
        """Of each word, in points from the left."""
        said = self.run("pdftotext", "-bbox", self.path, "-")
        return [float(edge) for edge in re.findall(r'xMax="([\d.]+)"', said)]


def printed(
    record: Record,
    folder: Path,
    paper: str,
    id: str,
    *,
    lang: Language = "zh",
    recipient: Recipient = "company",
) -> Printed:
    path = folder / f"{paper}-{id}-{lang}-{recipient}.pdf"
    print_paper(Words(record, lang, recipient), paper, id, path)
    return Printed(path)


def attempt_of(record: Record, job: str, step: str) -> str:
    return record.history(job).rulings(step)[-1].attempt


def all_papers(record: Record) -> list[tuple[str, str]]:
    return [
        *(("work-order", job) for job in (PURGE, REPAIR, INSPECTED, ABSENT, HAZARD)),
        *(("notice", job) for job in (LEAK, HAZARD)),
        ("hold-report", attempt_of(record, PURGE, "riser_hold")),
        ("hold-report", attempt_of(record, FAILED, "indoor_hold")),
        ("hold-report", attempt_of(record, VENTED, "riser_hold")),
    ]


# -- what every paper is


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_paper_is_small_archival_and_carries_its_fonts(
    record: Record, tmp_path: Path, lang: Language
) -> None:
    for paper, id in all_papers(record):
        made = printed(record, tmp_path, paper, id, lang=lang)
        fonts = made.run("pdffonts", made.path).splitlines()[2:]
        data = made.path.read_bytes()

        assert fonts
        assert {tuple(line.split()[-5:-2]) for line in fonts} == {("yes", "yes", "yes")}, fonts
        assert b"<pdfaid:part>2</pdfaid:part>" in data
        assert b"<pdfaid:conformance>B</pdfaid:conformance>" in data
        assert len(data) < 150_000
        assert max(made.right_edges()) < 595 - 30, "text runs over the margin"


def test_every_page_says_whence_it_is(record: Record, tmp_path: Path) -> None:
    made = printed(record, tmp_path, "work-order", PURGE)
    last = max(*record.history(PURGE).entries, *record.history(PURGE).apart(), 0)
    head = record.covering(last)
    pages = made.text.split("\f")[:-1]

    assert len(pages) == 2
    for at, page in enumerate(pages, 1):
        foot = " ".join(page.split())[-140:]
        assert f"作业 {PURGE} · 账本 {head.size} 条，根 " in foot
        assert "据账本打印，记录截至 2026-11-24 12:43:37" in foot
        assert f"第 {at} 页，共 2 页" in foot


def test_the_same_record_gives_the_same_bytes_however_far_it_has_grown(
    worked: Path, tmp_path: Path
) -> None:
    """Nothing of the moment of printing is in a paper."""
    shutil.copytree(worked, tmp_path / "grown")
    with Yard(tmp_path / "grown") as yard:
        yard.open(purge_order("2026-2999"))
    font = find_font()
    with Record(worked) as before, Record(tmp_path / "grown") as after:
        assert after.size > before.size
        for paper, id in all_papers(before):
            first = set_paper(Words(before, "zh", "company"), paper, id, font)
            assert set_paper(Words(after, "zh", "company"), paper, id, font) == first
        assert set_paper(Words(before, "en", "company"), paper, id, font) != first


# -- the report of a hold


def test_a_report_has_the_verdict_its_figures_and_what_was_not_checked(
    record: Record, tmp_path: Path
) -> None:
    attempt = attempt_of(record, PURGE, "riser_hold")
    decided = record.decided(attempt)
    assert decided is not None
    made = printed(record, tmp_path, "hold-report", attempt)
    text, flat = made.text, made.flat

    assert "立管保压报告" in text
    assert "合格 PASS" in text
    assert decided.verdict["sentence"]["zh"].replace(" ", "") in flat
    assert re.sub(r"\s", "", decided.verdict["sentence"]["en"]) in flat
    for word in decided.verdict["not_checked"]:
        assert RECORDS["zh"][f"records.not_checked.{word}"] in text
    assert re.search(r"初始压力 p1 +5200\.5 Pa", text)
    assert re.search(r"保压时间，不少于 +900 s +1\.6\.1 +company regulations", text)
    assert re.search(r"压降，不大于 +20 Pa .* P\n", text)
    assert re.search(r"pm-1 +S-pm-1 +20000 Pa +1 Pa +2027-03-31", text)
    assert re.search(r"保压 +2026-11-24 12:03:15 +2026-11-24 12:18:15 +900 s", text)
    assert re.search(r"表号 +M0099887766", text)
    assert (attempt in text, str(decided.body["pack_sha256"]) in flat) == (True, True)
    assert re.search(rf"账本条目 +{decided.entry}\n", text)
    assert re.search(r"工单编号 +2026-2001 +管段编号 +A-7-2\n", text)


def test_no_verdict_looks_like_another_even_in_a_bad_copy(record: Record, tmp_path: Path) -> None:
    """By words, and by a frame that a copy without grey still shows."""
    vented = printed(record, tmp_path, "hold-report", attempt_of(record, VENTED, "riser_hold"))
    failed = printed(record, tmp_path, "hold-report", attempt_of(record, FAILED, "indoor_hold"))
    passed = printed(record, tmp_path, "hold-report", attempt_of(record, PURGE, "riser_hold"))

    assert "无法判定 INCONCLUSIVE" in vented.text
    assert "不是合格，也不是不合格：不得放行，须重新检测" in vented.text
    assert "PASS" not in vented.text + failed.text
    assert "不合格 FAIL" in failed.text
    inks = {made.path: bar_ink(made) for made in (passed, vented, failed)}
    assert inks[passed.path] < 0.1 < inks[vented.path] < 0.7 < inks[failed.path]
    assert "INCONCLUSIVE" not in passed.text


def bar_ink(made: Printed) -> float:
    """The dark share of the bar at the left of the verdict's frame."""
    page = grey(made, 1)
    left, dots = round(17 * page.dots_mm), page.dots_mm
    rows = page.rows[: round(60 * dots)]
    frame = next(at for at, row in enumerate(rows) if dark(row) > 60 * dots)
    inside = [row[left + round(dots) : left + round(4 * dots)] for row in
              rows[frame + round(1.5 * dots) : frame + round(5 * dots)]]  # fmt: skip
    return sum(map(dark, inside)) / sum(map(len, inside))


class Page(NamedTuple):
    """A page as grey values: 0 is black."""

    rows: Sequence[bytes]
    dots_mm: float


def grey(made: Printed, page: int, dpi: int = 100) -> Page:
    stem = made.path.with_suffix("")
    subprocess.run(
        ["pdftoppm", "-gray", "-r", str(dpi), "-f", str(page), "-singlefile", made.path, stem],
        check=True, timeout=60,
    )  # fmt: skip
    data = stem.with_suffix(".pgm").read_bytes()
    kind, width, height, rest = re.match(rb"(P5)\s+(\d+)\s+(\d+)\s+255\s", data), 0, 0, 0
    assert kind is not None
    width, height, rest = int(kind[2]), int(kind[3]), kind.end()
    return Page([data[rest + at * width :][:width] for at in range(height)], dpi / 25.4)


def dark(row: bytes, below: int = 90) -> int:
    return sum(value < below for value in row)


def test_the_curve_lies_where_the_readings_are(record: Record, tmp_path: Path) -> None:
    """Found in the picture of the page: the frame, and in it the line at the true height."""
    attempt = attempt_of(record, FAILED, "indoor_hold")
    decided = record.decided(attempt)
    assert decided is not None
    course = course_of(record, decided)
    assert course is not None
    page = grey(printed(record, tmp_path, "hold-report", attempt), 2)
    frame_mm = 150
    edges = [at for at, row in enumerate(page.rows) if dark(row) > frame_mm * page.dots_mm]
    top, bottom = edges[0], next(at for at in edges if at > edges[0] + 40 * page.dots_mm)
    first = page.rows[(top + bottom) // 2]
    left = next(at for at, value in enumerate(first) if value < 90)
    right = len(first) - next(at for at, value in enumerate(reversed(first)) if value < 90)
    time_s, pressure_pa = whole(course, Decimal(5000))

    assert len(course.at_us) > 200
    for share in (0.4, 0.6, 0.9):
        column = round(left + share * (right - left))
        at_us = course.at_us[0] + share * time_s.high * 1e6
        nearest = min(range(len(course.at_us)), key=lambda k: abs(course.at_us[k] - at_us))
        y = round(bottom - pressure_pa.at(float(course.pa[nearest])) * (bottom - top))
        assert dark(bytes(row[column] for row in page.rows[y - 3 : y + 4])), share
        empty = round(bottom - pressure_pa.at(3500) * (bottom - top))
        assert not dark(bytes(row[column] for row in page.rows[empty - 3 : empty + 4])), share


def test_stages_are_those_by_which_it_was_judged(record: Record) -> None:
    for job, step in ((PURGE, "riser_hold"), (FAILED, "indoor_hold"), (VENTED, "riser_hold")):
        decided = record.decided(attempt_of(record, job, step))
        assert decided is not None
        course = course_of(record, decided)
        assert course is not None
        figures = decided.verdict["figures"]
        settling, hold = course.stage("settling"), course.stage("hold")
        assert settling is not None
        assert hold is not None
        assert Decimal(settling.to_us - settling.from_us) / 10**6 == Decimal(figures["stabilise_s"])
        if decided.verdict["verdict"] != "INCONCLUSIVE":
            held_s = Decimal(hold.to_us - hold.from_us) / 10**6
            assert held_s == Decimal(figures["hold_s"])
        assert [a.to_us for a in course.stages[:-1]] == [b.from_us for b in course.stages[1:]]


def test_readings_by_eye_of_an_order_without_a_job_are_points(tmp_path: Path) -> None:
    with Yard(tmp_path / "state") as yard:
        spec = {
            "number": "2026-1190", "procedure": "indoor_hold", "source": "manual",
            "section": {"id": "A-1"}, "instruments": [dict(GAUGE)],
        }  # fmt: skip
        yard.do("order.add", text=str(spec).replace("'", '"'))
        attempt = yard.do("order.open", number="2026-1190", test="")["attempt"]
        yard.event("2026-1190", "zeroed", instrument="pm-1")
        yard.event("2026-1190", "pump_off")
        for value in ("5100", "5098"):
            yard.wait(301)
            now_us = yard.clock.now_us()
            reading = measure(instrument="pm-1", quantity="pressure", value=value, unit="Pa",
                              at_us=now_us)  # fmt: skip
            intake = Intake(entered_by("eye", "manual"), b"", now_us, (reading,))
            with yard.ledger.transaction() as tx:
                tx.append("readings", encode_block([intake]), now_us)
            yard.desk.observe([intake])
        yard.event("2026-1190", "close")
        yard.turn()
        assert yard.verdict(attempt) == "PASS"
    with Record(tmp_path / "state") as record:
        made = printed(record, tmp_path, "hold-report", attempt)
        assert "人工目读，两次读数" in made.text
        assert "读数照片的内容" in made.text
        assert "2026-1190" in made.text
        assert "全过程" in made.text
        assert "保压阶段（放大）" not in made.text


def test_a_spike_is_not_thinned_away_and_a_hole_is_not_drawn_over() -> None:
    points = [(k / 5000, 0.5) for k in range(5000)]
    points[2345] = (2345 / 5000, 0.9)
    points[2346] = (2346 / 5000, 0.1)
    kept = thinned(points)

    assert len(kept) <= 1000
    assert {points[0], points[2345], points[2346], points[-1]} <= set(kept)
    assert thinned(points[:300]) == points[:300]
    course = Course("g", [0, 1, 2, 30, 31], [Decimal(5)] * 5, [Stage("hold", 0, 31)], [], 10)
    assert [[at for at, _ in part] for part in unbroken(course)] == [[0, 1, 2], [30, 31]]


def test_ticks_are_round_numbers() -> None:
    assert [round_step(least) for least in (0.03, 1.1, 2.5, 700)] == [0.05, 2, 5, 1000]
    assert [value for value, _ in Span(5180, 5201).ticks()] == [5180, 5185, 5190, 5195, 5200]


# -- the work order and the notice


def test_a_work_order_tells_who_did_what_when(record: Record, tmp_path: Path) -> None:
    made = printed(record, tmp_path, "work-order", REPAIR)
    text, flat = made.text, made.flat

    assert "作业工单：维修" in text
    assert re.search(
        r"户号 +008800123456789012 +姓名 +=2\+5 #let x = 1\] \"张小明\" \*\$_ <b>", text
    )
    assert "不合格 FAIL" in text
    assert "最大浓度 %LEL：25" in text
    assert "逾期：承诺到达时间" in text
    assert "旧表号：M0099887766" in text
    assert "旧表读数：1234.56 m³" in text
    assert PHOTO_SHA in flat
    assert re.search(rf"L1-1 +户内燃气设施任何部位漏气 +1 +漏气 +{LEAK}", text)
    assert text.count("签字文件已存档，见摘要") == 2  # what was handed in is no picture
    assert "T-1；C-1" in text


def test_items_that_are_not_in_order_are_printed_in_full(record: Record, tmp_path: Path) -> None:
    made = printed(record, tmp_path, "work-order", INSPECTED)

    assert "共 15 项：合格 13，不合格 1，不适用 1" in made.text
    assert (
        "I9软管为燃气专用，未超期、超长、弯折、老化、接长，不穿墙，不受烘烤：L2-32019hose"
        in made.flat
    )


def test_a_pass_that_something_has_undone_says_so(worked: Path, tmp_path: Path) -> None:
    shutil.copytree(worked, tmp_path / "state")
    number = "2026-2004"
    with Yard(tmp_path / "state") as yard:
        yard.open(purge_order(number))
        yard.step(number, "acceptance", accepted="yes", record="AR-1")
        yard.step(number, "plan", approved="yes", document="PL-1")
        yard.step(number, "arrive", consent="yes")
        yard.step(number, "isolation", valves="both ends closed", as_ordered="yes")
        assert yard.hold(number, "riser_hold", every_s=4) == "PASS"
        with Record(tmp_path / "state") as record:
            assert "已失效" not in printed(record, tmp_path, "work-order", number).text
        yard.step(number, "pipe_work", what="a valve exchanged")
        with Record(tmp_path / "state") as record:
            assert "合格 PASS（已失效）" in printed(record, tmp_path, "work-order", number).text


def test_a_work_order_has_the_samples_that_counted_and_not_every_reading(
    worked: Path, tmp_path: Path
) -> None:
    """An analyser is read once a second: pages of it would hide the three that count."""
    shutil.copytree(worked, tmp_path / "state")
    number = "2026-2006"
    with Yard(tmp_path / "state") as yard:
        yard.open(purge_order(number))
        yard.step(number, "acceptance", accepted="yes", record="AR-1")
        yard.step(number, "plan", approved="yes", document="PL-1")
        yard.step(number, "arrive", consent="yes")
        yard.step(number, "site", items=items("site_residential"))
        yard.step(number, "isolation", valves="both ends closed", as_ordered="yes")
        yard.step(number, "vent_point", place="top_outdoors", photo=yard.photo())
        yard.hold(number, "riser_hold", every_s=4)
        yard.step(number, "open_valve", guarded="yes")
        yard.step(number, "vent")
        attempt = yard.step(number, "samples")["attempt"]
        yard.event(number, "zeroed", instrument="gs-1")
        yard.event(number, "point", point="vent")
        for shown in ("95.1", "1.3", "60.2", *("96.0",) * 48):  # the first one is of a false start
            yard.read("gs-1", shown, "%vol", "gas")
            yard.wait(20)
            yard.turn()
        assert yard.verdict(attempt) == "PASS"
    with Record(tmp_path / "state") as record:
        text = printed(record, tmp_path, "work-order", number).text

    assert re.findall(r"([\d.]+) %vol \(vent\)", text) == ["96"] * 3
    assert re.search(r"另有未计入的取样读数：4\d\n", text)


def test_what_nobody_has_given_is_a_dash_and_not_withheld(worked: Path, tmp_path: Path) -> None:
    shutil.copytree(worked, tmp_path / "state")
    number = "2026-2005"
    with Yard(tmp_path / "state") as yard:
        yard.open(purge_order(number, customer={"user_no": "0088", "room": "0317"}))
    with Record(tmp_path / "state") as record:
        company = printed(record, tmp_path, "work-order", number).text
        assert re.search(r"房号 +0317", company)
        assert re.search(r"地址 +—", company)
        assert "（保密）" not in company
        authority = printed(record, tmp_path, "work-order", number, recipient="authority").text
        assert re.search(r"房号 +（保密）", authority)
        assert re.search(r"地址 +—", authority)


def test_an_outdoor_screen_is_printed_as_no_inspection(record: Record, tmp_path: Path) -> None:
    made = printed(record, tmp_path, "work-order", ABSENT)

    assert "户外未见异常（不等于已安检）" in made.text
    assert "合格 PASS" not in made.text


def test_a_signature_is_shown_as_long_as_it_is_the_one_that_was_recorded(
    worked: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    shutil.copytree(worked, state)
    with Record(state) as record:
        path = Path(state, "files", *signature_place(record))

        def order() -> Printed:
            return printed(record, tmp_path, "work-order", PURGE)

        pictures = order().run("pdfimages", "-list", order().path)
        assert "320" in pictures
        path.write_bytes(png(100, 50))
        assert "签字文件与记录的摘要不符，不予显示" in order().text
        assert order().run("pdfimages", "-list", order().path).count("\n") == 2
        path.unlink()
        assert "签字文件不在本机，见摘要" in order().text
        assert path.name in order().flat


def signature_place(record: Record) -> tuple[str, str]:
    digest = str(record.history(PURGE).answer("sign", "signature"))
    return digest[:2], digest


def test_a_notice_has_the_catalogues_words_and_room_for_a_hand(
    record: Record, tmp_path: Path
) -> None:
    leak = printed(record, tmp_path, "notice", LEAK).text
    hose = printed(record, tmp_path, "notice", HAZARD).text

    assert "安全隐患整改通知单" in leak
    assert re.search(r"隐患内容（目录表述） +户内燃气设施任何部位漏气\n", leak)
    assert re.search(r"级别 +一级\n", leak)
    assert re.search(r"条款 +5\.3\.1, 5\.3\.2（公司制度）", leak)
    assert "2026-11-25 23:59:59（北京时间）" in leak  # a leak is not left overnight
    assert "由发出人填写并向用户说明" in leak
    assert re.search(r"通知单编号 +00017\n", hose)
    assert "2026-12-10 18:00:00（北京时间）" in hose
    assert re.search(r"部位 +-kitchen, behind the wall", hose)
    inspection = printed(record, tmp_path, "notice", f"{INSPECTED}-H1").text
    assert "制度：通知单送达后 7 个自然日内（条款 3.7.1，公司制度）" in inspection


# -- who reads it


def test_an_authority_reads_masks_and_sees_no_signature(record: Record, tmp_path: Path) -> None:
    for paper, id in all_papers(record):
        made = printed(record, tmp_path, paper, id, recipient="authority")
        flat = made.flat
        for field in ("user_no", "phone", "address", "room", "meter_no"):
            assert CUSTOMER[field].replace(" ", "") not in flat.replace("（保密）", ""), field
        assert "张小明" not in flat
        assert made.run("pdfimages", "-list", made.path).count("\n") == 2
    repair = printed(record, tmp_path, "work-order", REPAIR, recipient="authority").text
    assert "新表号：****7799" in repair
    assert re.search(r"房号 +（保密）", repair)


def test_what_was_erased_is_printed_as_erased(worked: Path, tmp_path: Path) -> None:
    shutil.copytree(worked, tmp_path / "state")
    with Yard(tmp_path / "state") as yard:
        personal = [entry.index for entry in yard.entries("personal")]
        with yard.ledger.transaction() as tx:
            for index in personal:
                tx.erase(index, "asked for by the customer", "S-1")
    with Record(tmp_path / "state") as record:
        made = printed(record, tmp_path, "work-order", REPAIR).text
        assert re.search(r"姓名 +已删除", made)
        assert "旧表号：已删除" in made
        assert "旧表读数：1234.56 m³" in made


# -- hostile text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("#set page(width: 1cm) ]) 张 *x* _y_ $z$ `w` <l> @m //n \\", None),
        ("\"quoted\" 'name' ~ = - + /", None),
        ("欧阳\u202e123\u202c 小", "欧阳[U+202E]123[U+202C]小"),
        ("张🔥👨\u200d👩", "张[U+1F525][U+1F468][U+200D][U+1F469]"),
        ("أحمد שלום", "[U+0623][U+062D][U+0645][U+062F][U+05E9][U+05DC][U+05D5][U+05DD]"),
        ("䶮", "[U+4DAE]"),
        ("25 ℃ Ⅴ", "25°CV"),
        ("a\x00b\x1bc\td\r\ne", "a[U+0000]b[U+001B]cde"),
        ("W" * 500, None),
        ("长" * 500, None),
        ("soft\u00adhyphen", "soft[U+00AD]hyphen"),
    ],
)
def test_a_hostile_name_is_printed_letter_by_letter(
    tmp_path: Path, name: str, shown: str | None
) -> None:
    """Never run, never lost, never beyond the margin."""
    with Yard(tmp_path / "state") as yard:
        yard.staffed().open(purge_order(customer={**CUSTOMER, "name": name}))
    font = Font(MICROHEI, "WenQuanYi Micro Hei", drawn(MICROHEI, 0))
    with Record(tmp_path / "state") as record:
        (tmp_path / "x.pdf").write_bytes(
            set_paper(Words(record, "zh", "company"), "work-order", PURGE, font)
        )
    made = Printed(tmp_path / "x.pdf")

    words = made.run("pdftotext", "-raw", made.path, "-")
    assert re.sub(r"\s", "", shown or name) in re.sub(r"\s", "", words)
    assert max(made.right_edges()) < 595 - 30
    assert "A4" in made.run("pdfinfo", made.path)


def test_a_character_counts_as_there_only_with_an_outline() -> None:
    """The font maps ℃ to an empty glyph: only a look at its outlines shows it."""
    chars = drawn(MICROHEI, 0)

    assert {"张", "A", " ", "³", "　"} <= {chr(char) for char in chars}
    assert ord("℃") not in chars
    assert ord("䶮") not in chars
    with pytest.raises(CommandRefused, match="is no font that can be read"):
        drawn(Path(__file__), 0)


# -- what may go wrong


def test_a_paper_that_cannot_be_is_refused_with_the_way_out(
    record: Record, worked: Path, tmp_path: Path
) -> None:
    words = Words(record, "zh", "company")
    check = attempt_of(record, REPAIR, "leak_test")
    for paper, id, says in (
        ("work-order", "2026-9999", "no job '2026-9999'"),
        ("notice", PURGE, "no hazard; its hazards are 2026-2001-H1"),
        ("hold-report", PURGE, "no verdict for attempt '2026-2001'"),
        ("hold-report", check, "is a safe_to_work and no hold test"),
    ):
        with pytest.raises(CommandRefused, match=says):
            PAPERS[paper](words, id)
    with pytest.raises(CommandRefused, match="cannot be written"):
        print_paper(words, "work-order", PURGE, tmp_path / "nowhere" / "x.pdf")


def test_a_machine_without_a_font_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(CommandRefused, match="fonts-wqy-microhei"):
        find_font([tmp_path, tmp_path / "nowhere"])
    (tmp_path / "deep").mkdir()
    shutil.copy(MICROHEI, tmp_path / "deep")
    assert find_font([tmp_path]).family == "WenQuanYi Micro Hei"


def gashub(*args: object, without: str = "os.nothing") -> subprocess.CompletedProcess[str]:
    """The program, as if one package were not installed."""
    code = (
        f"import sys; sys.modules[{without!r}] = None\n"
        "from hub.__main__ import main; sys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, check=False
    )


def test_the_command_prints_and_says_what_it_lacks(worked: Path, tmp_path: Path) -> None:
    out = tmp_path / "工单.pdf"
    said = gashub("print", "work-order", PURGE, "--file", worked, "--out", out)
    assert (said.returncode, said.stderr) == (0, "")
    assert re.fullmatch(rf"{out}: \d+ bytes\n", said.stdout)
    assert "居民用户置换" in Printed(out).text

    said = gashub("print", "notice", LEAK, "--file", worked, "--out", tmp_path / "x.pdf",
                  without="typst")  # fmt: skip
    assert said.returncode == 2
    assert "requirements/pdf.txt" in said.stderr
    assert not (tmp_path / "x.pdf").exists()


# -- texts


def test_every_word_of_a_judgement_has_its_text_for_papers() -> None:
    """Flags, and what was not checked, as the procedures name them."""
    source = "".join(path.read_text() for path in (ROOT / "hub" / "procedures").glob("*.py"))
    not_checked = set(re.findall(r'(?:absent|not_checked)\.append\("(\w+)"\)', source))
    flags = set(re.findall(r'flags\.append\("(\w+)"\)', source))
    figures = set(re.findall(r'figures\["(\w+_(?:pa|s|l_h))"\]', source))

    assert len(not_checked) > 10
    assert len(flags) > 5
    for lang in ("zh", "en"):
        texts = RECORDS[lang]
        assert [word for word in not_checked if f"records.not_checked.{word}" not in texts] == []
        assert [word for word in flags if f"records.flag.{word}" not in texts] == []
        shown = figures - {"p_target_pa", "p_req_pa"}
        assert [one for one in shown if f"records.paper.figure.{one}" not in texts] == []


def test_no_template_has_a_word_of_its_own() -> None:
    """Whatever is printed comes from the texts or the record."""
    for path in (ROOT / "hub" / "records" / "paper").glob("*.typ"):
        code = re.sub(r"//.*", "", path.read_text())
        shown: list[Any] = re.findall(r"[\u4e00-\u9fff]+|\[[^\]]*[A-Za-z]{3,}[^\]]*\]", code)
        assert shown == [], path.name
