"""Logger files: what is read, that a doubtful file is refused whole, and when it is moved."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, Intake
from hub.testing import HandClock, site
from plugins.import_file import register_drivers
from plugins.import_file.decode import decode
from plugins.import_file.driver import ImportDriver
from plugins.import_file.settings import ImportSettings

NOW_US = round(datetime.fromisoformat("2026-09-20T12:00:00+08:00").timestamp()) * 1_000_000
COLUMN = {"column": "P", "instrument": "pm-1", "quantity": "pressure", "unit": "Pa"}
GOOD = b"time,P\n2026-09-20 11:00:00,5200.5\n2026-09-20 11:00:01,5200\n"


def settings(**more: object) -> ImportSettings:
    return ImportSettings.model_validate({"zone": "Asia/Shanghai", "columns": [COLUMN], **more})


def tjf(**change: Any) -> bytes:
    value = {
        "description": "11,93",
        "value": 11.934261322021484,
        "timeStamp": "2026-09-20T11:00:02",
        "additionalData": [{"name": "valueType", "description": "P aktuell"}],
        **change.pop("value", {}),
    }
    record = {
        "schemaVersion": "1.0.2",
        "device": [{"name": "testo 510i", "serial": "13379500"}],
        "channels": [{"type": {"name": "500"}, "unit": {"name": "mbar"}, "values": [value]}],
        **change,
    }
    return json.dumps(record).encode()


TJF = {"format": "tjf", "columns": [{**COLUMN, "column": "P aktuell", "unit": "mbar"}]}


def test_it_registers_one_kind() -> None:
    """Under the name of its folder."""
    assert [kind.name for kind in register_drivers()] == ["import_file"]


def test_a_csv_file_is_its_readings_at_the_loggers_times() -> None:
    """In the zone of the settings, with the text of the file."""
    first, second = decode(GOOD, settings(), NOW_US)
    assert (first.value, first.unit, first.instrument) == ("5200.5", "Pa", "pm-1")
    assert first.at_us == NOW_US - 3_600_000_000
    assert second.at_us - first.at_us == 1_000_000
    assert first.device_time == "2026-09-20 11:00:00"
    assert first.seq != second.seq
    assert decode(GOOD, settings(), NOW_US) == (first, second)


def test_semicolons_commas_a_date_apart_and_words() -> None:
    """As a logger in Germany or China may write."""
    data = "Logger 7\nDatum;Zeit;P\n20.09.2026;11:00:00;5,25\n20.09.2026;11:00:01;OL\n"
    made = decode(
        data.encode("utf-16"),
        settings(
            columns=[{**COLUMN, "unit": "kPa"}],
            skip_lines=1, delimiter=";", decimal=",", encoding="utf-16", words={"OL": "over_range"},
            date_column="Datum", time_column="Zeit", time_format="%d.%m.%Y %H:%M:%S",
        ),
        NOW_US,
    )  # fmt: skip
    assert [(one.value, one.quality) for one in made] == [("5.25", "good"), ("OL", "over_range")]
    assert made[1].canonical is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "heading 'time' stands 0 times"),
        (b"time,P,P\n", "stands 2 times"),
        (b"time,P\n", "no value"),
        (GOOD[:-6], "1 columns, not 2"),
        (GOOD + b"2026-09-20 11:00:02,52,00\n", "3 columns"),
        (GOOD + b"2026-09-20 11:00:00,5200\n", "before the row above"),
        (GOOD + b"2026-09-20 19:00:00,5200\n", "yet to come"),
        (b"time,P\n2026-09-01 11:00:00,5200\n", "older than"),
        (GOOD + b"20.09.2026 11:00:02,5200\n", "time"),
        (GOOD + b"2026-09-20 11:00:02,---\n", "not a number"),
        (GOOD + b"2026-09-20 11:00:02,nan\n", "not a number"),
        (GOOD + b"\x00\n", "zero byte"),
        (b"\xff" + GOOD, "not utf-8"),
        (GOOD + b'2026-09-20 11:00:02,"5200\n', "not CSV"),
    ],
)
def test_a_doubtful_csv_file_is_refused_whole(data: bytes, why: str) -> None:
    """The good rows in it are not taken either."""
    with pytest.raises(BadFrame, match=why):
        decode(data, settings(), NOW_US)


def test_an_hour_that_is_twice_is_refused() -> None:
    """Nobody can tell which of the two it was."""
    at_us = round(datetime.fromisoformat("2026-10-25T12:00:00+01:00").timestamp()) * 1_000_000
    with pytest.raises(BadFrame, match="summer time"):
        decode(b"time,P\n2026-10-25 02:30:00,1\n", settings(zone="Europe/Berlin"), at_us)


def test_every_cut_and_bit_flip_is_refused_or_reads_as_text_of_the_file() -> None:
    """CSV has no checksum: a digit that became another digit is not seen; nothing else passes."""
    for n in range(len(GOOD)):
        for bent in (
            GOOD[:n],
            *(bytes([*GOOD[:n], GOOD[n] ^ 1 << b, *GOOD[n + 1 :]]) for b in range(8)),
        ):
            try:
                made = decode(bent, settings(), NOW_US)
            except BadFrame:
                continue
            assert all(one.value.encode() in bent and one.unit == "Pa" for one in made)


def test_a_tjf_record_is_one_reading_with_its_devices_serial() -> None:
    """The layout of the published tightness example; all digits stay."""
    (reading,) = decode(tjf(), settings(**TJF), NOW_US)
    assert (reading.value, reading.unit) == ("11.934261322021484", "mbar")
    assert reading.serial == "13379500"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"schemaVersion": "2.0.0"}, "only 1.0.x"),
        ({"device": [{"serial": "1"}, {"serial": "2"}]}, "one device"),
        ({"value": {"timeStamp": 1758337200}}, "bare number"),
        ({"value": {"value": None}}, "no number"),
        ({"value": {"value": "11.9"}}, "no number"),
        ({"value": {"additionalData": []}}, "no value"),
        ({"channels": [{"unit": {}, "values": [{}]}]}, "no value"),
        ({"channels": 5}, "no TJF record"),
    ],
)
def test_a_doubtful_tjf_record_is_refused(change: dict[str, Any], why: str) -> None:
    """What the schema leaves open is not guessed."""
    with pytest.raises(BadFrame, match=why):
        decode(tjf(**change), settings(**TJF), NOW_US)


def test_a_last_line_without_its_end_is_taken_where_the_settings_vouch_for_it() -> None:
    """Otherwise a file that broke off in a number would be a wrong number."""
    with pytest.raises(BadFrame, match="may be cut off"):
        decode(GOOD[:-3], settings(), NOW_US)
    assert len(decode(GOOD[:-1], settings(open_end=True), NOW_US)) == 2


def test_another_unit_in_a_tjf_record_is_refused() -> None:
    """The device was switched over."""
    columns = [{**COLUMN, "column": "P aktuell"}]
    with pytest.raises(BadFrame, match="settings say Pa"):
        decode(tjf(), settings(format="tjf", columns=columns), NOW_US)


def watch(folder: Path, clock: HandClock) -> ImportDriver:
    link = ImportDriver("files", settings(folder=str(folder)), site(clock))
    link.close()
    link.open()
    return link


def turn(link: ImportDriver, clock: HandClock) -> list[Intake]:
    """What comes when everything has been quiet for long enough."""
    found = list(link.read(0))
    clock.move(5)
    return found + list(link.read(0))


def test_a_file_is_moved_only_after_it_is_durable(tmp_path: Path) -> None:
    """Read once it is quiet, and left in its place until it is settled."""
    clock = HandClock(NOW_US)
    link = watch(tmp_path, clock)
    (tmp_path / "a.csv").write_bytes(GOOD)
    (intake,) = turn(link, clock)
    assert len(intake.readings) == 2
    assert intake.source == "files #imported a.csv"
    assert turn(link, clock) == []
    assert (tmp_path / "a.csv").exists()
    link.settle([intake.receipt])
    turn(link, clock)
    assert (tmp_path / "done/a.csv").read_bytes() == GOOD
    assert not (tmp_path / "a.csv").exists()


def test_a_refused_file_is_a_dead_letter_and_has_its_reason_beside_it(tmp_path: Path) -> None:
    """After the commit, in its own folder."""
    clock = HandClock(NOW_US)
    link = watch(tmp_path, clock)
    (tmp_path / "b.csv").write_bytes(b"rubbish")
    (intake,) = turn(link, clock)
    assert intake.dead
    assert not intake.readings
    link.settle([intake.receipt])
    turn(link, clock)
    assert (tmp_path / "refused/b.csv").exists()
    assert "heading" in (tmp_path / "refused/b.csv.reason.txt").read_text()


def test_a_file_that_the_hub_will_not_have_is_refused_with_its_reason(tmp_path: Path) -> None:
    """It can be read, and is evidence of another order."""
    clock = HandClock(NOW_US)
    link = watch(tmp_path, clock)
    (tmp_path / "a.csv").write_bytes(GOOD)
    (intake,) = turn(link, clock)
    link.settle([link.refused(intake.receipt, "evidence of order WO-1 already")])
    turn(link, clock)
    assert (tmp_path / "refused/a.csv").read_bytes() == GOOD
    assert "order WO-1" in (tmp_path / "refused/a.csv.reason.txt").read_text()


def test_a_file_that_still_grows_waits(tmp_path: Path) -> None:
    """Half of it is never read."""
    clock = HandClock(NOW_US)
    link = watch(tmp_path, clock)
    for size in (20, 40, len(GOOD)):
        (tmp_path / "a.csv").write_bytes(GOOD[:size])
        clock.move(2)
        assert list(link.read(0)) == []
    clock.move(5)
    assert [len(intake.readings) for intake in link.read(0)] == [2]
