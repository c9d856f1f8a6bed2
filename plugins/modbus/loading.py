"""Read a profile, with the operator's answers to what no document settles.

Such a thing stands in a file as "?" (unit, type, order) or as "?NAME" (any number), and the
settings must say it: then nothing is guessed, and one file still fits every specimen.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from hub import BadFrame, ConfigError, Model, measure
from plugins.modbus.profile import WIDE, Function, Kind, Measurand, Order, Profile, UnitRegister

SHIPPED: Final = Path(__file__).parent / "profiles"
PLAIN: Final = "plain"
"""Name of the profile that is no file: one number, described by the setting `value`."""


def models() -> tuple[Model, ...]:
    """Every shipped profile, as the catalogue shows it."""
    return tuple(_model(_table(path)) for path in sorted(SHIPPED.glob("*.toml")))


def _model(table: Mapping[str, Any]) -> Model:
    quantities = {field["name"]: field["quantity"] for field in table["field"]}
    line = table.get("line")
    speed = f"{line['baud']} 8{line['parity']}{line['stop_bits']}" if line else "speed by its menu"
    return Model(
        name=table["title"],
        quantity=quantities[table["publish"][0]],
        link=f"RS-485, Modbus RTU, {speed}, asked",
        range=table.get("range", "-"),
    )


def _table(path: Path) -> dict[str, Any]:
    return _parsed(path.read_text(encoding="utf-8"))


def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text, parse_float=Decimal)


def is_own(name: str) -> bool:
    """Whether a profile is a file of the gateway's, and not a shipped one."""
    return name.endswith(".toml")


@dataclass(frozen=True, slots=True)
class Answers:
    """What an operator knows of a specimen, for every "?" of its profile.

    unit_codes  are added to the profile's tables, and win there
    order       for all numbers in two registers, in place of the profile's
    function    for all registers, in place of the profile's
    numbers     for every "?NAME": addresses of registers, and codes
    """

    unit: str = ""
    unit_codes: Mapping[int, str] = field(default_factory=dict)
    type: Kind | None = None
    order: Order | None = None
    function: Function | None = None
    numbers: Mapping[str, int] = field(default_factory=dict)


def text_of(name: str) -> str:
    """The text of a profile that is a file of the gateway's. Raises ConfigError as `load`."""
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _missing(name) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"profile {name}: {error}") from None


def load(name: str, answers: Answers | None = None, text: str = "") -> Profile:
    """Read a shipped profile by name, or any by its path.

    text    the profile itself; then no file is read
    raises  ConfigError naming the file, the key and the fault
    """
    path = Path(name) if is_own(name) else SHIPPED / f"{name}.toml"
    try:
        return _Answering(answers or Answers()).profile(_parsed(text) if text else _table(path))
    except FileNotFoundError:
        raise _missing(name) from None
    except ValidationError as wrong:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in wrong.errors()
        )
        raise ConfigError(f"profile {path}: {faults}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"profile {path}: {error}") from None


def _missing(name: str) -> ConfigError:
    shipped = ", ".join((PLAIN, *sorted(known.stem for known in SHIPPED.glob("*.toml"))))
    return ConfigError(f"no profile {name!r}; shipped are {shipped}; or give a path")


def fields_for(
    profile: Profile,
    names: Sequence[str] = (),
    unit: str = "",
    least: Decimal | None = None,
    most: Decimal | None = None,
) -> tuple[Measurand, ...]:
    """What is published, narrowed by what the operator says of it.

    names       fields; those the profile publishes when there are none
    unit        the only one that is taken, where the profile allows several
    least,most  limits in place of the profile's, in that one unit
    raises      ValueError for answers that do not fit the profile, or are missing
    """
    fields = profile.chosen(names)
    units = [each for field in fields for each in field.units]
    # A profile may ask for the unit of a quantity that is not published.
    quantities = {field.quantity for field in fields}
    beside = {each for f in profile.field if f.quantity not in quantities for each in f.units}
    if unit and unit not in units and unit not in beside:
        raise ValueError(f"unit {unit!r} is none of this profile's; it has {', '.join(units)}")
    limited = least is not None or most is not None
    if limited and (len(fields) > 1 or not (unit in units or len(units) == 1)):
        raise ValueError("least and most need one published field, and its unit in `unit`")
    return tuple(_narrowed(field, unit, least, most) for field in fields)


def _narrowed(
    field: Measurand, unit: str, least: Decimal | None, most: Decimal | None
) -> Measurand:
    changes: dict[str, object] = {}
    if isinstance(field.unit, UnitRegister):
        if unit in field.units:
            changes["unit"] = field.unit.model_copy(update={"expected": unit})
        elif not field.unit.certain:
            raise ValueError(
                f"the unit codes of {field.name} are not beyond doubt; set `unit` to what the "
                f"instrument's display shows: {', '.join(field.units) or 'see unit_codes'}"
            )
    if least is not None:
        changes["least"] = least
    if most is not None:
        changes["most"] = most
    return field.model_copy(update=changes)


class _Answering:
    """Puts the operator's answers into a profile's table, and notes which were asked for."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._used: set[str] = set()

    def profile(self, table: dict[str, Any]) -> Profile:
        profile = Profile.model_validate(self._filled(table))
        if unused := self._unused():
            raise ValueError(f"it does not ask for {', '.join(unused)}; remove it")
        return profile

    def _unused(self) -> list[str]:
        """Settings that change nothing: the operator expects something of them."""
        answers = self._answers
        given = {
            "type": answers.type,
            "order": answers.order,
            **{f"numbers.{name}": True for name in answers.numbers},
            **{f"unit_codes.{code}": True for code in answers.unit_codes},
        }
        return [name for name, value in given.items() if value and name not in self._used]

    def _filled(self, part: Any, key: str = "") -> Any:
        if isinstance(part, list):
            return [self._filled(each, key) for each in part]
        if isinstance(part, str) and part.startswith("?"):
            return self._answer(key, part[1:])
        if not isinstance(part, dict):
            return part
        filled = {name: self._filled(each, name) for name, each in part.items()}
        if "register" in filled:
            self._place(filled)
        if "quantity" in filled and isinstance(filled.get("unit"), dict):
            self._add_codes(filled["quantity"], filled["unit"])
        return filled

    def _answer(self, key: str, name: str) -> object:
        answer: object
        if name:
            answer, setting = self._answers.numbers.get(name), f"numbers = {{ {name} = ... }}"
            self._used.add(f"numbers.{name}")
        else:
            answer, setting = getattr(self._answers, key, None), f"{key} = ..."
            self._used.add(key)
        if answer is None or answer == "":
            raise ValueError(
                f"no document at hand settles this: set `{setting}` after a look at the "
                "instrument or its manual"
            )
        return answer

    def _place(self, place: dict[str, Any]) -> None:
        if self._answers.function is not None:
            place["function"] = self._answers.function
        if self._answers.order is not None and place.get("type") in WIDE:
            place["order"] = self._answers.order
            self._used.add("order")

    def _add_codes(self, quantity: str, unit: dict[str, Any]) -> None:
        """A code goes to the fields whose quantity has its unit."""
        codes = dict(unit.get("codes", {}))
        for code, name in self._answers.unit_codes.items():
            try:
                measure(instrument="", quantity=quantity, value="0", unit=name, at_us=0)
            except BadFrame:
                continue
            codes[str(code)] = name
            self._used.add(f"unit_codes.{code}")
        unit["codes"] = codes
