"""A company's few days on a real ledger: one job of every kind, from its order to its end."""

import math
import struct
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from hub.jobs.timing import ZONE
from hub.ledger import read_entry
from tests.foreman_rig import DETECTOR, GAUGE, LASER, SAMPLER, Yard, purge_order
from tests.job_rig import items

PURGE, COMMERCIAL, REPAIR = "2026-2001", "2026-6001", "2026-4001"
INSPECTED, ABSENT, HAZARD = "2026-3001", "2026-3002", "2026-5001"
LEAK = f"{REPAIR}-H1"
"""The hazard that the repair's first gas check opens."""
NAME: Final = '=2+5 #let x = 1] "张小明" *$_ <b>'
"""A name that a spreadsheet, a template and a reader could take for something else."""
CUSTOMER: Final[Mapping[str, str]] = {
    "user_no": "008800123456789012", "name": NAME, "phone": "+8613812345678",
    "address": "幸福路 7 号", "community": "幸福小区", "building": "7 栋", "unit": "2 单元",
    "room": "0317", "meter_no": "M0099887766",
}  # fmt: skip


def png(width: int = 320, height: int = 96) -> bytes:
    """A signature: a line that somebody has drawn."""
    rows = [bytearray(b"\xff" * width) for _ in range(height)]
    for at in range(width * 8):
        x = at / 8
        y = height / 2 + height / 3 * math.sin(x / 11) * math.cos(x / 37)
        for row in (int(y), int(y) + 1):
            rows[row][int(x)] = 0
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(
            ">I", zlib.crc32(kind + body)
        )  # fmt: skip

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def days_of_work(yard: Yard) -> Yard:
    """Every kind of job, in the order in which the tests name them."""
    purged(yard.staffed())
    repaired(yard)
    inspected(yard)
    absent(yard)
    hazard(yard)
    commercial(yard)
    return yard


def purged(yard: Yard, number: str = PURGE, customer: Mapping[str, str] = CUSTOMER) -> None:
    """A residential purge to its end; lighting too early is refused on the way."""
    photo = yard.photo()
    yard.open(purge_order(number, customer=dict(customer)))
    yard.step(number, "acceptance", accepted="yes", record="AR-1")
    yard.step(number, "plan", approved="yes", document="PL-1")
    yard.step(number, "arrive", consent="yes")
    yard.step(number, "site", items=items("site_residential"))
    yard.step(number, "isolation", valves="both ends closed", as_ordered="yes")
    yard.step(number, "vent_point", place="top_outdoors", photo=photo)
    yard.refused(number, "open_valve", guarded="yes")
    assert yard.hold(number, "riser_hold", every_s=2) == "PASS"
    yard.step(number, "open_valve", guarded="yes")
    yard.step(number, "vent")
    assert yard.samples(number, "samples") == "PASS"
    yard.step(number, "connect")
    yard.step(number, "joint_check", method="fluid", result="none")
    assert yard.hold(number, "indoor_hold", every_s=2) == "PASS"
    yard.step(number, "ignite")
    yard.step(number, "flame", flame="normal", meter_before="0012.10", meter_after="12.34")
    yard.step(number, "inspect", items=items("inspection"), talk="yes")
    yard.step(number, "sign", fees="yes", signature=yard.photo(png()), cleaned="yes")
    yard.step(number, "close")


def repaired(yard: Yard) -> None:
    """A planned exchange of a meter: gas at first, a notice a day before, work, hold, readings."""
    number = REPAIR
    yard.open(
        {
            "number": number, "job": "repair", "user_class": "residential",
            "facts": {
                "scope": "meter", "hot_work": "no", "affects": "home",
                "reported_at": "2026-11-24T12:00:00+08:00",
                "promised_at": "2026-11-24T16:00:00+08:00",
            },
            "sections": {"worked": "A-7-2-301"},
            "customer": dict(CUSTOMER),
            "tests": {
                "leak_test": {
                    "points": {"ceiling": "ceiling", "suspect": "suspect", "door": "other"},
                    "instruments": [{**DETECTOR, "lel_basis_pct_vol": 4.4}],
                },
                "post_hold": {
                    "section": {"part": "indoor"}, "p_operating_pa": 2000, "medium": "air",
                    "instruments": [dict(GAUGE)],
                },
            },
        }
    )  # fmt: skip
    photo = yard.photo()
    yard.step(number, "dispatch", by="S-1", to="T-1")
    yard.step(number, "notice_24h", by="S-1", how="by telephone", proof=photo)
    yard.wait(25 * 3600)
    yard.turn()
    yard.step(number, "arrive", tools="yes")
    assert yard.air(number, "leak_test", "25.0") == "FAIL"
    yard.refused(number, "start_work", valve="yes")
    yard.step(number, "ventilate", what="windows open, meter valve closed")
    assert yard.air(number, "leak_test", "1.5") == "PASS"
    yard.step(number, "start_work", valve="yes")
    yard.step(
        number, "meter_readings", old_meter="M0099887766", old_reading="1234.56",
        new_meter="M0099887799", new_reading="0.01", signature=photo,
    )  # fmt: skip
    yard.step(number, "worked", what="meter exchanged", damage="wear")
    assert yard.hold(number, "post_hold", pa=2080, every_s=2) == "PASS"
    yard.step(number, "resupply")
    yard.step(number, "final_check", method="detector", result="none", lights="yes")
    yard.step(number, "inspect", items=items("inspection"), talk="yes")
    yard.step(number, "sign", signature=photo)
    yard.step(number, "close")


def inspected(yard: Yard) -> None:
    """Absent once, then inside: an over-age hose, a notice, signed."""
    number, photo = INSPECTED, yard.photo()
    yard.open(
        {
            "number": number, "job": "inspection", "user_class": "residential",
            "facts": {"cycle": "2026"}, "customer": dict(CUSTOMER),
        }
    )  # fmt: skip
    yard.step(number, "visit", outcome="absent", notice_photo=photo)
    yard.wait(86400)
    yard.step(number, "visit", outcome="entered", consent="yes")
    yard.step(number, "enter")
    bad = {"result": "not_ok", "hazard": "L2-3", "remark": "2019 hose"}
    yard.step(number, "items", items=items("inspection", I9=bad, I14="not_applicable"))
    yard.step(number, "leak_check", result="none", photo=photo)
    yard.step(number, "talk", talk="yes", told="yes")
    yard.step(number, "notice", number="N-9", signed="yes", scan=photo)
    yard.step(number, "sign", signature=yard.photo(png()), form=photo)
    yard.step(number, "done")


def absent(yard: Yard) -> None:
    """Nobody at home on three days, then the outdoor screen, which finds nothing."""
    number, photo = ABSENT, yard.photo()
    laser = {"distance_m": 12, "reflector": "door", "weather": "clear", "instruments": [LASER]}
    yard.open(
        {
            "number": number, "job": "inspection", "user_class": "rural",
            "facts": {"cycle": "2026-2"}, "tests": {"laser": laser},
        }
    )  # fmt: skip
    for _ in range(3):
        yard.step(number, "visit", outcome="absent", notice_photo=photo)
        yard.wait(86400)
    yard.step(number, "absent")
    assert yard.screen(number, "laser") == "PASS"
    yard.step(number, "screened")


def hazard(yard: Yard) -> None:
    """An over-long hose with a deadline that passes; the repair's leak stays open as well."""
    number, photo = HAZARD, yard.photo()
    at = iso_local(yard)
    yard.open(
        {
            "number": number, "job": "hazard", "user_class": "residential",
            "facts": {"code": "L2-4", "found_at": at, "place": "-kitchen, behind the wall"},
            "sections": {"leaking": "A-7-2-301"}, "customer": dict(CUSTOMER),
        }
    )  # fmt: skip
    yard.step(
        number, "notice", number="00017", risk="yes", deadline="2026-12-10T18:00:00+08:00",
        signed="refused", scan=photo,
    )  # fmt: skip


def commercial(yard: Yard) -> None:
    """A restaurant's purge, to its end."""
    number, photo = COMMERCIAL, yard.photo()
    yard.open(
        {
            "number": number, "job": "commercial_purge", "user_class": "commercial",
            "facts": {"medium_pressure": "no", "instruction": "WI-6"},
            "sections": {"installation": "R-1"}, "customer": dict(CUSTOMER),
            "tests": {
                "tightness": {"p_design_pa": 5000, "medium": "air", "instruments": [GAUGE]},
                "samples": {"medium": "air", "instruments": [SAMPLER]},
            },
        }
    )  # fmt: skip
    steps: list[tuple[str, dict[str, Any]]] = [
        ("acceptance", {"accepted": "yes", "record": "AR-9", "plan_approved": "yes", "plan": "P"}),
        ("arrive", {"consent": "yes"}),
        (
            "drawings",
            {
                "agree": "yes", "drawing": "D-9", "vent": "outdoors", "photo": photo,
                "appliance_order": "wok range, steamer",
            },
        ),
        ("site", {"items": items("site_commercial")}),
        ("isolation", {"valves": "inlet closed", "as_ordered": "yes"}),
        ("tightness", {}),
        ("fans", {"fans_on": "yes", "guarded": "yes", "no_flame": "yes"}),
        ("open_valve", {}),
        ("vent", {}),
        ("samples", {}),
        ("close_vent", {"plugged": "yes", "result": "none"}),
        ("connect", {"supplier": "none"}),
        ("joint_check", {"method": "detector", "result": "none"}),
        ("ignite", {}),
        ("flow_meter", {"works": "yes", "before": "0", "after": "0.3"}),
        ("shut_down", {"last": "main_valve"}),
        ("inspect", {"equipment": "wok range 2x", "hazards": [], "talk": "yes"}),
        ("sign", {"signature": photo, "cleaned": "yes"}),
        ("close", {}),
    ]  # fmt: skip
    for step, answers in steps:
        if step == "tightness":
            assert yard.hold(number, step, every_s=4) == "PASS"
        elif step == "samples":
            assert yard.samples(number, step) == "PASS"
        else:
            yard.step(number, step, **answers)


def iso_local(yard: Yard) -> str:
    """Now, as a person writes it."""
    return datetime.fromtimestamp(yard.clock.now_us() // 1_000_000, ZONE).isoformat()


def copied(yard: Yard, of: str, count: int) -> None:
    """So many jobs more, each as *of* went, under numbers of their own."""
    with yard.ledger.transaction() as tx:
        row = tx.sql.execute("SELECT * FROM jobs WHERE number=?", (of,))
        (found,), columns = row.fetchall(), [column[0] for column in row.description]
        known = dict(zip(columns, found, strict=True))
        job = read_entry(tx.sql, known["entry"])
        events = tx.sql.execute("SELECT entry FROM job_entries WHERE number=?", (of,)).fetchall()
        bodies = [read_entry(tx.sql, entry).record() for (entry,) in sorted(events)]
        insert = f"INSERT INTO jobs VALUES ({','.join('?' * len(columns))})"  # noqa: S608  marks
        for at in range(count):
            another = f"{of}-{at:06d}"
            entry = tx.append("job", {**job.record(), "number": another}, job.at_us)
            tx.sql.execute(insert, [*{**known, "number": another, "entry": entry}.values()])
            for body in bodies:
                event = tx.append("job_event", {**body, "job": another}, job.at_us)
                tx.sql.execute("INSERT INTO job_entries VALUES (?,?)", (another, event))
