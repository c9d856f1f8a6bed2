"""What requests may hold, as JSON Schemas of the OpenAPI document, with an example of each.

Orders, jobs and tests are read by the hub's own parsers (`hub.order_file`, `hub.orders`,
`hub.foreman.order`), which are no models: the schemas here are made of the parsers' own tables, and
a test sends every example, and every example without a field that it needs, to a running API.
Staff and instruments are models, and their schemas are the models' own.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, Final

from hub.api.models import PersonGiven
from hub.foreman.personal import FIELDS
from hub.instruments import Registered
from hub.order_file import (
    INSTRUMENT_KEYS,
    INSTRUMENT_TEXTS,
    ORDER_KEYS,
    ORDER_NUMBERS,
    ORDER_WORDS,
    PARTS,
    ROLES,
)
from hub.orders import LONGEST_NUMBER
from hub.procedures.case import PROCEDURES
from hub.rulepack import load_pack
from hub.units import QUANTITIES, UNITS

Schema = dict[str, Any]
_TEXT: Final = {"type": "string", "minLength": 1}
_DAY: Final = {"type": "string", "format": "date"}
_SAYS: Final[Mapping[str, str]] = {
    "procedure": f"What is judged: {', '.join(PROCEDURES)}; plugins may bring more.",
    "instruments": "At least one; each name once. What the gateway's configuration and register "
    "know of an instrument need not be said again.",
    "rule_pack": "Id of a shipped rule pack; the gateway's own when absent. Not in a job.",
    "points": "Of safe_to_work: each point's name with its role. Three named points when absent.",
    "isolation": "Whether the section is cut off (`declared`); other fields are free text.",
    "section": "The part of the pipe that the verdict is about.",
    "p_design_pa": "Design pressure. A riser, commercial or post-repair hold without it is "
    "INCONCLUSIVE; indoor: 5000 when absent.",
    "p_operating_pa": "Operating pressure.",
    "p_level": "Pressure of an indoor hold; design when absent.",
    "volume_l": "Volume of the section; no leak rate without it.",
    "sample_period_s": "Of the gauge; the median of the series when absent.",
    "distance_m": "Laser screen: without it the screen is invalid.",
    "medium": "What the section is filled with; not checked when absent.",
    "hose_class": "rigid when absent.",
    "source": "How readings come: from the instrument, read by eye, or imported; instrument when "
    "absent.",
    "calibrated_until": "Last valid day.",
    "u": "Standard uncertainty, in its unit.",
    "t90_s": "Response time.",
    "lel_basis_pct_vol": "%vol that its 100 %LEL stands for.",
}
_GAUGE: Final = {
    "name": "pm-1", "quantity": "pressure", "unit": "Pa", "range_pa": 20000, "resolution_pa": 1,
    "calibrated_until": "2027-03-31",
}  # fmt: skip
_SAMPLER: Final = {"name": "gs-1", "quantity": "gas", "unit": "%vol"}
_ORDER: Final = {
    "number": "2026-1184", "procedure": "riser_hold", "section": {"id": "A-7-2", "part": "riser"},
    "p_design_pa": 5000, "medium": "air", "isolation": {"declared": True, "by": "valve 3"},
    "instruments": [_GAUGE],
}  # fmt: skip
_STEPS: Final = {
    "number": "2026-1185",
    "steps": [
        {"step": "indoor", "tests": [
            {"procedure": "indoor_hold", "medium": "air", "instruments": [_GAUGE]}]},
        {"step": "purge", "tests": [{"procedure": "purge_complete", "instruments": [_SAMPLER]}]},
    ],
    "trial": True,
}  # fmt: skip
_JOB: Final = {
    "number": "2026-2001", "job": "residential_purge", "user_class": "residential",
    "facts": {"new_user": "yes", "instruction": "WI-12"},
    "sections": {"riser": "A-7-2", "indoor": "A-7-2-301"},
    "customer": {"user_no": "8800123456", "building": "7", "room": "301"},
    "tests": {
        "riser_hold": {"p_design_pa": 5000, "medium": "air", "instruments": [_GAUGE]},
        "samples": {"medium": "air", "instruments": [_SAMPLER]},
    },
    "watch": ["pm-1"],
}  # fmt: skip
EXAMPLES: Final[Mapping[str, Any]] = {
    "OrderGiven": {"one test": _ORDER, "steps": _STEPS},
    "JobGiven": {"a purge": _JOB},
    "TestGiven": {"a hold": {"medium": "air", "instruments": [_GAUGE]}},
    "InstrumentGiven": {
        "a gauge": {**{k: v for k, v in _GAUGE.items() if k != "name"}, "certificate": "CAL-88"}
    },
    "PersonGiven": {
        "a fitter": {"certificates": {"purge": {"number": "C-2041", "until": "2027-06-30"}}},
    },
    "CancelGiven": {"moved": {"reason": "customer away"}, "without a reason": {}},
    "GiveUpGiven": {"moved": {"by": "T-17", "reason": "customer away", "safe": True}},
}
"""Name of a schema -> its examples by name. The first of each is sent by itself in a test."""


FILE: Final = "a photo"
"""What stands for the bytes of a file in its example."""


def file_body() -> dict[str, Any]:
    """`openapi_extra` of the route that takes a file."""
    says = f"Its path is /v1/files/{sha256(FILE.encode()).hexdigest()}."
    content = {
        "schema": {"type": "string"},
        "examples": {"seven bytes": {"summary": says, "value": FILE}},
    }
    return {"requestBody": {"required": True, "content": {"application/octet-stream": content}}}


def body(name: str) -> dict[str, Any]:
    """`openapi_extra` of a route that takes the schema *name*."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{name}"},
                    "examples": {
                        title: {"value": value} for title, value in EXAMPLES[name].items()
                    },
                }
            },
        }
    }


@cache
def schemas() -> dict[str, Schema]:
    """Every schema by its name, for `components`."""
    test = _test()
    whose: dict[str, Schema] = {
        "site": {
            "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
            "description": "Whose it is, where several share a gateway: letters, digits, dots, "
            "dashes and underscores, 64 characters at most. It never changes. A token that is "
            "for sites must send one of them.",
        },
        "trial": {
            "type": "boolean", "default": False,
            "description": "Only tried out: no production system hears of it. It never changes.",
        },
    }  # fmt: skip
    number = {
        "type": "string", "minLength": 1, "maxLength": LONGEST_NUMBER, "pattern": "^[^/]+$",
        "description": f"Your number for it, at most {LONGEST_NUMBER} characters that can be seen, "
        "no blank at either end. It is the `subject` of its events.",
    }  # fmt: skip
    single = {
        "title": "OneTest", "type": "object", "additionalProperties": False,
        "required": ["number", *test["required"]],
        "properties": {"number": number, **test["properties"], **whose},
    }  # fmt: skip
    steps = {
        "title": "Steps", "type": "object", "additionalProperties": False,
        "required": ["number", "steps"],
        "properties": {
            "number": number,
            "steps": {
                "type": "array", "minItems": 1,
                "items": {
                    "type": "object", "required": ["tests"],
                    "properties": {
                        "step": {
                            **_TEXT, "description": "Your name for it; the procedure when absent.",
                        },
                        "tests": {
                            "type": "array", "minItems": 1,
                            "items": {"$ref": "#/components/schemas/TestOrdered"},
                        },
                    },
                },
            },
            **whose,
        },
    }  # fmt: skip
    within = {name: one for name, one in test["properties"].items() if name != "procedure"}
    return {
        "OrderGiven": {
            "description": "An order of tests: one test, or steps of tests. Unknown keys are "
            "refused, and so is a key that stands twice.",
            "oneOf": [single, steps],
        },
        "TestOrdered": test,
        "TestGiven": {
            "description": "A test of a job: number, procedure and section are the job's.",
            "type": "object", "required": ["instruments"], "additionalProperties": False,
            "properties": {name: one for name, one in within.items() if name != "rule_pack"},
        },
        "InstrumentOrdered": _instrument(),
        "JobGiven": _job(number, whose),
        "InstrumentGiven": _registered(),
        "PersonGiven": _person(),
    }  # fmt: skip


def _number(name: str) -> Schema:
    unit = name.rpartition("_")[2]
    units = {"pa": "Pa", "l": "litres", "s": "seconds", "m": "metres", "lel": "%LEL", "vol": "%vol"}
    says = [_SAYS.get(name, ""), f"In {units[unit]}." if unit in units else ""]
    return {"type": "number", "description": " ".join(one for one in says if one)}


def _test() -> Schema:
    found: dict[str, Schema] = {
        "procedure": {**_TEXT, "description": _SAYS["procedure"]},
        "instruments": {
            "type": "array", "minItems": 1, "description": _SAYS["instruments"],
            "items": {"$ref": "#/components/schemas/InstrumentOrdered"},
        },
        "section": {
            "type": "object", "additionalProperties": False, "description": _SAYS["section"],
            "properties": {"id": _TEXT, "part": {"enum": list(PARTS)}},
        },
        "isolation": {
            "type": "object", "description": _SAYS["isolation"],
            "properties": {"declared": {"type": "boolean"}},
            "additionalProperties": {"type": "string"},
        },
        "points": {
            "type": "object", "description": _SAYS["points"],
            "additionalProperties": {"enum": list(ROLES)},
        },
        "rule_pack": {**_TEXT, "description": _SAYS["rule_pack"]},
        **{name: _number(name) for name in ORDER_NUMBERS},
        **{
            name: {"enum": list(some), "description": _SAYS.get(name, "Of a laser screen.")}
            for name, some in ORDER_WORDS.items()
        },
    }  # fmt: skip
    assert set(found) | {"number"} == set(ORDER_KEYS), "a key of the parser has no schema"
    return {
        "description": "A test, in the form of the judge contract.",
        "type": "object", "required": ["procedure", "instruments"],
        "additionalProperties": False, "properties": found,
    }  # fmt: skip


def _instrument() -> Schema:
    units = "; ".join(f"{name}: {', '.join(UNITS[name])}" for name in QUANTITIES)
    texts: dict[str, Schema] = {
        "name": {**_TEXT, "description": "Name used in readings."},
        "serial": _TEXT,
        "quantity": {"enum": list(QUANTITIES)},
        "unit": {**_TEXT, "description": f"One of its quantity. {units}."},
        "calibrated_until": {**_DAY, "description": _SAYS["calibrated_until"]},
    }
    assert set(texts) == set(INSTRUMENT_TEXTS), "a text of the parser has no schema"
    return {
        "type": "object", "required": ["name", "quantity"], "additionalProperties": False,
        "properties": {
            name: texts.get(name) or _number(name) for name in INSTRUMENT_KEYS
        },
    }  # fmt: skip


def _job(number: Schema, whose: dict[str, Schema]) -> Schema:
    pack = load_pack()
    asks = "; ".join(
        f"{name}: facts {', '.join(_fact(*one) for one in job.facts.items()) or 'none'}, sections "
        f"{', '.join(job.sections) or 'none'}, tests "
        f"{', '.join(n for n, step in job.step.items() if step.test)}"
        for name, job in pack.job.items()
    )
    classes = sorted({one for job in pack.job.values() for one in job.user_classes})
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    return {
        "description": "An order for a whole job. What it must say besides depends on its kind, "
        f"here as in the shipped rule pack. {asks}. A fact that is missing or wrong is 409 "
        "(refused) with its clause; a section that is missing is 422.",
        "type": "object", "required": ["number", "job", "user_class"],
        "additionalProperties": False,
        "properties": {
            "number": number,
            "job": {**_TEXT, "description": f"Kind of job: {', '.join(pack.job)}."},
            "user_class": {**_TEXT, "description": f"{', '.join(classes)}."},
            "facts": {**texts, "description": "Name of the fact -> answer, as text."},
            "sections": {**texts, "description": "Name of the section -> its id; each another."},
            "customer": {
                "type": "object", "additionalProperties": False,
                "properties": {name: {"type": "string"} for name in FIELDS},
                "description": "Personal data: kept apart, shown as pseudonyms, never in events.",
            },
            "tests": {
                "type": "object",
                "additionalProperties": {"$ref": "#/components/schemas/TestGiven"},
                "description": "Step that is a test -> what it is done with. One that is left "
                "out is added by PUT /v1/jobs/{number}/tests/{step}.",
            },
            "watch": {
                "type": "array", "items": {"type": "string"},
                "description": "Instruments whose readings stop the job.",
            },
            "parent": {"type": "string", "description": "Job that this one comes out of."},
            **whose,
        },
    }  # fmt: skip


def _fact(name: str, question: Any) -> str:
    words = "|".join(question.options) or question.kind
    return f"{name} ({words}{', optional' if question.optional else ''})"


def _registered() -> Schema:
    made = Registered.model_json_schema()
    made["required"] = [one for one in made["required"] if one != "name"]
    made["properties"]["name"]["description"] = "As in the path; it may be left out."
    return {**made, "title": "InstrumentGiven"}


def _person() -> Schema:
    made = PersonGiven.model_json_schema(ref_template="#/components/schemas/{model}")
    made.pop("$defs", None)
    roles = ", ".join(load_pack().role)
    made["properties"]["certificates"]["description"] = f"Role -> certificate. Roles: {roles}."
    return made
