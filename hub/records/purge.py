"""The register of purges, residential and commercial: one row a job.

Source: chapters 1 and 6 of the regulations (1.3.1, 6.3.1: a ledger of purges is kept).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from hub.records.history import History
from hub.records.register import (
    END_COLUMNS,
    JOB_COLUMNS,
    SIGNATURE,
    Column,
    Register,
    Value,
    hold_columns,
    hold_values,
    of_jobs,
    signature_values,
)
from hub.records.words import Words

KINDS: Final = ("residential_purge", "commercial_purge")
_SAMPLES: Final = 3
_HOLDS: Final = {"riser": "riser_hold", "indoor": "indoor_hold", "commercial": "tightness"}
"""Group of columns -> step of the job."""

COLUMNS: Final = (
    *JOB_COLUMNS,
    Column("kind", "text", 14),
    Column("user_class", "text", 10),
    Column("instruction", "code", 14),
    Column("opened_at", "moment", 20),
    Column("arrived_at", "moment", 20),
    *(column for name in _HOLDS for column in hold_columns(name)),
    Column("vent_point", "text", 20),
    Column("samples_verdict", "text", 16),
    Column("sampled", "text", 10),
    *(Column(f"sample_{at}_pct_vol", "number", 12) for at in range(1, _SAMPLES + 1)),
    Column("ignited_at", "moment", 20),
    Column("flame", "text", 10),
    Column("meter_before_m3", "number", 14),
    Column("meter_after_m3", "number", 14),
    *SIGNATURE,
    *END_COLUMNS,
)


def _made(words: Words, history: History) -> tuple[Mapping[str, Value], str]:
    residential = history.state.kind == "residential_purge"
    vent = ("vent_point", "place") if residential else ("drawings", "vent")
    flame = ("flame", "flame") if residential else ("bag", "flame")
    meter = ("flame", "meter_{}") if residential else ("flow_meter", "{}")
    values: dict[str, Value] = {
        "kind": words.text(history.job.title),
        "instruction": history.state.facts.get("instruction", ""),
        "arrived_at": history.first_us("arrive"),
        "vent_point": words.answered(history, *vent),
        "samples_verdict": words.verdict(history, "samples"),
        "ignited_at": history.at_us("ignite"),
        "flame": words.answered(history, *flame),
        **_meter(history, *meter),
        **_samples(words, history),
        **signature_values(words, history),
    }
    for name, step in _HOLDS.items():
        values |= hold_values(words, history, step, name)
    return values, history.state.kind


def _meter(history: History, step: str, question: str) -> dict[str, Value]:
    found = {when: history.answer(step, question.format(when)) for when in ("before", "after")}
    return {f"meter_{when}_m3": Decimal(text) for when, text in found.items() if text is not None}


def _samples(words: Words, history: History) -> dict[str, Value]:
    """The samples that counted in the newest verdict, or else the first ones."""
    found = history.rulings("samples")
    decided = words.record.decided(found[-1].attempt) if found else None
    if decided is None:
        return {}
    taken = decided.verdict["figures"].get("samples", [])
    counted = [one for one in taken if one["state"] == "counted"] or taken
    test = words.record.test(found[-1].attempt)
    quantities = {one["name"]: one["quantity"] for one in test.spec["instruments"]}
    used = sorted({quantities[one["instrument"]] for one in counted})
    return {
        "sampled": words.listed([words.known("quantity", quantity) for quantity in used]),
        **{
            f"sample_{at}_pct_vol": Decimal(one["value"])
            for at, one in enumerate(counted[-_SAMPLES:], 1)
            if one["value"] is not None and one["unit"] == "%vol"
        },
    }


PURGE: Final = Register("purge", COLUMNS, KINDS, of_jobs(KINDS, _made))
