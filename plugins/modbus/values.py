"""Numbers out of registers, by a profile: everything is worked out when the driver is built.

An integer times its scale is exact decimal arithmetic. A float32 becomes the shortest decimal
text that gives the same four bytes. What is no measurement, be it a sentinel, the end of an
integer's range, a NaN or a state register that says so, becomes a quality and no number.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from hub import BadFrame
from plugins.modbus.numbers import Offsets, number, raw
from plugins.modbus.profile import (
    Function,
    Measurand,
    Place,
    Profile,
    Quality,
    Status,
    UnitRegister,
)
from plugins.modbus.wire import MOST_REGISTERS, Request, decode

MOST_DECIMALS: Final = 6
Stretch = tuple[Function, int, int]
"""Function, first register, count."""


class Said(NamedTuple):
    """One quantity as the instrument said it. `value` is decimal text, "" unless good."""

    quantity: str
    value: str
    unit: str
    quality: str


class Poll(NamedTuple):
    """What one poll brought: quantities, or in `dropped` the name of the drop it is.

    `beat` is the heartbeat register, None where there is none.
    """

    said: tuple[Said, ...]
    beat: int | None = None
    dropped: str = ""


class _Refused(Exception):
    """The poll is no reading; the text names the drop."""


class Decoder:
    """The requests of a poll, and the meaning of what they bring.

    fields  what is published, as the settings leave it (`fields_for`)
    bridge  registers that may be read across to save a request
    raises  ValueError when a field and its status would not come in one answer
    """

    def __init__(
        self, profile: Profile, fields: Sequence[Measurand], address: int, bridge: int
    ) -> None:
        names = [field.name for field in fields]
        states = [s for s in profile.status if any(map(s.concerns, names))]
        ids = [i for i in profile.id if any(map(i.concerns, names))]
        beat = [profile.heartbeat] if profile.heartbeat else []
        places = [place for field in fields for place in field.places]
        asked = stretches([*places, *states, *ids, *beat], bridge)
        if not profile.in_pieces:
            _together(asked, [(f, [s for s in states if s.concerns(f.name)]) for f in fields])
            _together(asked, [(f, beat) for f in fields])
        self.requests = [Request(address, *span) for span in asked]
        offsets: dict[tuple[Function, int], int] = {}
        at = 0
        for function, start, count in asked:
            offsets |= {(function, start + i): at + 2 * i for i in range(count)}
            at += 2 * count
        self._ids = [(_bits(i, offsets), i.fits) for i in ids]
        self._beat = _bits(beat[0], offsets) if beat else None
        self._fields = [
            _field(f, [_judge(s, offsets) for s in states if s.concerns(f.name)], offsets)
            for f in fields
        ]

    def decode_frames(self, frames: bytes) -> Poll:
        """The whole answers to all `requests`, in their order, behind one another.

        raises  BadFrame when they are not
        """
        data, at = b"", 0
        for request in self.requests:
            data += decode(frames[at : at + request.answer_length], request)
            at += request.answer_length
        if at != len(frames):
            raise BadFrame(
                f"{len(frames)} bytes, expected the {at} of {len(self.requests)} answers"
            )
        return self.decode(data)

    def decode(self, data: bytes) -> Poll:
        """The data of all `requests`, in their order, behind one another."""
        if not all(fits(bits(data)) for bits, fits in self._ids):
            return Poll((), dropped="other_model")
        try:
            said = tuple([read(data) for read in self._fields])
        except _Refused as refused:
            return Poll((), dropped=str(refused))
        return Poll(said, self._beat(data) if self._beat else None)


def stretches(places: Iterable[Place], bridge: int) -> list[Stretch]:
    """The fewest requests for *places*, each at most 125 registers.

    Requests go out in rising order: where a status is asked apart from its value it should come
    later in the map, as it mostly does; read after its value it speaks for it.
    """
    joined: list[Stretch] = []
    for place in sorted(places, key=lambda place: (place.function, place.first)):
        end = place.first + place.count
        if joined:
            function, start, count = joined[-1]
            near = place.first - (start + count) <= bridge
            if function == place.function and near and end - start <= MOST_REGISTERS:
                joined[-1] = (function, start, max(count, end - start))
                continue
        joined.append((place.function, place.first, place.count))
    return joined


def _together(
    requests: Sequence[Stretch], pairs: Iterable[tuple[Measurand, Sequence[Place]]]
) -> None:
    def request(place: Place) -> Stretch:
        return next(
            (function, start, count)
            for function, start, count in requests
            if function == place.function and start <= place.first < start + count
        )

    for value, speakers in pairs:
        for speaker in speakers:
            if request(speaker) != request(value):
                raise ValueError(
                    f"register {speaker.first} speaks for {value.name}, but would be read in "
                    "another request, at another moment; raise `bridge` so that one request "
                    "reads both, or say in_pieces = true"
                )


def _bits(place: Place, offsets: Offsets) -> Callable[[bytes], int]:
    take = raw(place, offsets)
    return lambda data: int.from_bytes(take(data))


def _needed(place: Place, offsets: Offsets, what: str) -> Callable[[bytes], Decimal]:
    """A number without which the value means nothing: when it is none, the poll is refused."""
    take = raw(place, offsets)

    def read(data: bytes) -> Decimal:
        found = number(take(data), place.type)
        if not isinstance(found, Decimal):
            raise _Refused(f"bad_{what}")
        return found

    return read


# ---------------------------------------------------------------------- meaning


def quality(value: int, status: Status) -> Quality | None:
    """What a status register says, the worst as its profile lists them; None: all is well."""
    for bit, word in status.bits.items():
        if value >> bit & 1:
            return word
    if status.bits or status.normal_bits:
        known = sum(1 << bit for bit in (*status.bits, *status.normal_bits))
        return status.other_bits if value & ~known else None
    if value in status.normal:
        return None
    return status.states.get(value, status.other_states)


def _judge(status: Status, offsets: Offsets) -> Callable[[bytes], Quality | None]:
    bits = _bits(status, offsets)
    return lambda data: quality(bits(data), status)


def _field(
    field: Measurand, judges: Sequence[Callable[[bytes], Quality | None]], offsets: Offsets
) -> Callable[[bytes], Said]:
    """What reads one field; it raises _Refused for what is no reading of it at all."""
    take, kind = raw(field, offsets), field.type
    sentinels = {value.to_bytes(field.width) for value in field.sentinels}
    unit_of = _unit(field.unit, offsets)
    scaled = _scaling(field, offsets)
    least, most, finest = field.least, field.most, field.finest

    def judged(data: bytes) -> str | Decimal:
        for judge in judges:
            if said := judge(data):
                return said
        taken = take(data)
        if taken in sentinels:
            return field.sentinel_quality
        found = number(taken, kind)
        if not isinstance(found, Decimal):
            return found
        found = scaled(found, data)
        if most is not None and found > most:
            return "over_range"
        if least is not None and found < least:
            return "under_range"
        if found and abs(found) < finest:
            return "bad"
        return found

    def read(data: bytes) -> Said:
        found = judged(data)
        unit, refusal = unit_of(data)
        if not isinstance(found, Decimal):
            return Said(field.quantity, "", unit, found)
        if refusal:
            raise _Refused(refusal)
        return Said(field.quantity, format(found, "f"), unit, "good")

    return read


def _unit(unit: str | UnitRegister, offsets: Offsets) -> Callable[[bytes], tuple[str, str]]:
    """(unit, why a number in it is refused: the name of a drop)."""
    if isinstance(unit, str):
        fixed = (unit, "")
        return lambda data: fixed
    bits, codes = _bits(unit, offsets), unit.codes
    expected = unit.expected

    def read(data: bytes) -> tuple[str, str]:
        code = bits(data)
        told = codes.get(code, "")
        if not told:
            return "", f"unknown_unit_{code}" if code < 256 else "unknown_unit"
        return told, "other_unit" if expected and told != expected else ""

    return read


def _scaling(field: Measurand, offsets: Offsets) -> Callable[[Decimal, bytes], Decimal]:
    """number and data -> value, in the order: span, scale, divisor, decimals."""
    steps: list[Callable[[Decimal, bytes], Decimal]] = []
    if field.span is not None:
        low, high = (_needed(p, offsets, "span") for p in (field.span.low, field.span.high))
        parts = field.span.steps

        def in_span(found: Decimal, data: bytes) -> Decimal:
            begin, end = low(data), high(data)
            if end <= begin:
                raise _Refused("bad_span")
            return begin + found * (end - begin) / parts

        steps.append(in_span)
    if isinstance(field.scale, Place):
        factor = _needed(field.scale, offsets, "scale")
        steps.append(lambda found, data: found * _not_zero(factor(data), "scale"))
    elif field.scale != 1:
        scale = field.scale
        steps.append(lambda found, data: found * scale)
    if field.divisor is not None:
        divisor = _needed(field.divisor, offsets, "divisor")
        steps.append(lambda found, data: found / _not_zero(divisor(data), "divisor"))
    if field.decimals is not None:
        digits = _bits(field.decimals, offsets)

        def pointed(found: Decimal, data: bytes) -> Decimal:
            if (behind := digits(data)) > MOST_DECIMALS:
                raise _Refused("bad_decimals")
            return found.scaleb(-behind)

        steps.append(pointed)

    def scaled(found: Decimal, data: bytes) -> Decimal:
        for step in steps:
            found = step(found, data)
        return found

    return scaled


def _not_zero(factor: Decimal, what: str) -> Decimal:
    if factor <= 0:
        raise _Refused(f"bad_{what}")
    return factor
