"""Wiren Board: `/devices/DEVICE/controls/CONTROL`, the number alone as text.

`.../meta/error` beside a control is not empty while it cannot be read or written; the same beside
a device is its last will. `.../meta` and `.../meta/units` may name the unit; `.../on` is a
command. States are retained. Source: the conventions published by Wiren Board.
"""

from typing import Any

from hub import BadFrame, Reading, measure
from plugins.mqtt.convention import KEPT_MOST, Heard, plain_text
from plugins.mqtt.facts import agreed_unit, amount, basis, text
from plugins.mqtt.settings import ValueSettings, WirenBoard
from plugins.mqtt.strict_json import loads


class Control:
    """One mapped control: what was said of it last."""

    def __init__(self, name: str, value: ValueSettings) -> None:
        self.name = name
        self.value = value
        self.sent = ""
        self.units: dict[str, str] = {}
        """By where it was said: `meta` or `units`."""
        self.error = ""


class WirenBoardDecoder:
    """The mapping, and the state of every mapped control that was heard of."""

    stands_alone = False
    wants_retained = True

    def __init__(self, mapping: WirenBoard) -> None:
        self._mapping = mapping
        self._values = {value.key: value for value in mapping.values}
        self._basis = basis(mapping.lel_basis_pct_vol)
        self._controls: dict[tuple[str, str], Control] = {}
        self._gone: dict[str, str] = {}

    def hear(self, topic: str, payload: bytes, at_us: int, *, retained: bool) -> Heard:
        """raises  BadFrame when nothing in the message can be read"""
        match topic.removeprefix("/").split("/"):
            case ["devices", device, "meta", "error"]:
                return self._device_error(device, plain_text(payload), at_us, retained)
            case ["devices", device, "controls", name, *more] if name in self._values:
                control = self._control(device, name)
            case _:
                return Heard()
        match more:
            case []:
                return self._value(device, control, plain_text(payload), at_us, retained)
            case ["on"]:
                return Heard(dropped="command")
            case ["meta", "error"]:
                control.error = plain_text(payload)
                if control.error and control.sent and not retained:
                    return Heard([self._stale(control, at_us)])
            case ["meta", "units"]:
                control.units["units"] = text(plain_text(payload), "unit")
            case ["meta"]:
                body: Any = loads(payload) if payload else {}
                if type(body) is not dict:
                    raise BadFrame(f"{control.name}: expected a JSON object")
                control.units["meta"] = text(body.get("units"), "unit")
            case _:
                return Heard()
        return Heard(dropped="state")

    def forget(self) -> None:
        """Errors are retained at the broker, and heard again; a cleared one is not."""
        self._gone.clear()
        for control in self._controls.values():
            control.error = ""

    def _control(self, device: str, name: str) -> Control:
        control = self._controls.get((device, name))
        if control is None:
            if len(self._controls) >= KEPT_MOST:
                raise BadFrame(f"more than {KEPT_MOST} controls")
            known = text(self._mapping.instruments.get(device, device), "instrument")
            if not known:
                raise BadFrame("its topic does not say which device it is from")
            control = self._controls[device, name] = Control(known, self._values[name])
        return control

    def _value(self, device: str, control: Control, sent: str, at_us: int, retained: bool) -> Heard:
        if retained:
            return Heard(dropped="retained")
        what, quantity = control.value.key, control.value.quantity
        unit = control.value.unit
        for said in control.units.values():
            unit = agreed_unit(unit, said, f"{control.name}: {what}")
        reading = measure(
            instrument=control.name,
            quantity=quantity,
            value=amount(sent, what),
            unit=unit,
            at_us=at_us,
            quality="stale" if control.error or device in self._gone else "good",
            lel_basis_pct_vol=self._basis.get(quantity, ""),
        )
        control.sent = sent
        return Heard([reading])

    def _device_error(self, device: str, error: str, at_us: int, retained: bool) -> Heard:
        before = self._gone.pop(device, "")
        if not error:
            news = [("device_online", device)] if before else []
            return Heard(news=news, dropped="availability")
        if len(self._gone) >= KEPT_MOST:
            raise BadFrame(f"more than {KEPT_MOST} devices with an error")
        self._gone[device] = error
        stale = [
            self._stale(control, at_us)
            for (of, _), control in self._controls.items()
            if of == device and control.sent and not retained
        ]
        news = [] if before else [("device_offline", f"{device}: {error[:40]!r}")]
        return Heard(stale, news=news, dropped="availability")

    def _stale(self, control: Control, at_us: int) -> Reading:
        """The number that was sent last, as text: it is one no more."""
        return measure(
            instrument=control.name,
            quantity=control.value.quantity,
            value=control.sent,
            unit=control.value.unit,
            at_us=at_us,
            quality="stale",
        )
