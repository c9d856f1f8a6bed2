"""What goes with a hold's ruling: flags, figures, what was not checked, the stage it is in."""

from decimal import Decimal
from fractions import Fraction

from hub.procedures.climate import leak_at_operating_l_h, leak_l_h
from hub.procedures.hold_evidence import Fall, Hold
from hub.procedures.hold_filling import Filling
from hub.procedures.hold_spec import us
from hub.procedures.hold_table import Drops
from hub.procedures.ruling import NEVER, Ruling
from hub.procedures.series import US
from hub.procedures.verdict import text_of


def dress(filling: Filling, ruling: Ruling) -> Ruling:
    """Complete a ruling that has its verdict."""
    ruling.flags = [*filling.spec.flags, *_flags(filling, ruling), *ruling.flags]
    ruling.figures = _figures(filling)
    ruling.limits = dict(filling.spec.figures)
    ruling.not_checked = _not_checked(filling)
    _stage(filling, ruling)
    return ruling


def _flags(filling: Filling, ruling: Ruling) -> list[str]:
    flags = [] if filling.course is None else list(filling.course.flags)
    if filling.attempt.inferred:
        flags.append("pump_off_inferred")
    if ruling.verdict == "PASS" and not filling.climate.both:
        flags.append("uncorrected")
    if filling.whole is not None and filling.gate.after is None:
        flags.append("no_zero_after")
    return flags


def _not_checked(filling: Filling) -> list[str]:
    absent = list(filling.spec.not_checked)
    if not isolated(filling):
        absent.append("isolation")
    if filling.gate.after is None:
        absent.append("zero_after")
    if filling.climate.temperature is None:
        absent.append("temperature")
    if filling.climate.barometer is None:
        absent.append("barometer")
    if not filling.climate.both and not filling.pack.hold.drop.environment_unknown.on:
        absent.append("environment_unknown")
    return absent


def isolated(filling: Filling) -> bool:
    """The order or an event says that the section was cut off."""
    declared = filling.order.isolation or {}
    return declared.get("declared") is True or any(
        event.word == "isolated" for event in filling.attempt.events
    )


def _figures(filling: Filling) -> dict[str, object]:
    gate, course, hold, found = filling.gate, filling.course, filling.hold, filling.found
    rules = filling.pack.hold.settling
    figures: dict[str, object] = {
        "attempts": filling.attempt.number,
        "p_req_pa": text_of(filling.spec.p_req_pa),
        "resolution_pa": text_of(filling.step_pa),
    }
    if gate.before is not None:
        figures["zero_before_pa"] = text_of(gate.before)
    if gate.after is not None:
        figures["zero_after_pa"] = text_of(gate.after.pa)
    if course is not None:
        figures["top_ups"] = course.top_ups
        if course.pump_off_pa is not None:
            figures["p_pump_off_pa"] = text_of(course.pump_off_pa)
            if course.pump_off_pa > rules.p_max_factor.value * filling.spec.p_req_pa:
                figures["over_pressure"] = True  # a meter or a self-closing valve may have tripped
    else:
        figures["p_target_pa"] = text_of(rules.target_factor.value * filling.spec.p_req_pa)
    if course is not None and hold is not None:
        figures["stabilise_s"] = text_of(Fraction(hold.from_us - course.settling_us, US))
        figures["hold_s"] = text_of(hold.held_s)
        figures["p1_pa"] = text_of(hold.p1)
        if filling.fall is not None:
            figures |= _fall_figures(filling, hold, filling.fall)
        if found is not None:
            figures |= _drop_figures(filling, hold, found)
    figures["events"] = [
        {"at_us": event.at_us, "event": event.word} for event in filling.attempt.events
    ]
    return figures


def _fall_figures(filling: Filling, hold: Hold, fall: Fall) -> dict[str, object]:
    window_us = us(filling.pack.hold.drop.window_s)
    p2 = hold.track.mean(hold.track.closed(fall.at_us - window_us, fall.at_us))
    return {
        "p2_pa": text_of(p2),
        "drop_raw_pa": text_of(hold.p1 - p2),
        "hold_s": text_of(Fraction(fall.at_us - hold.from_us, US)),
    }


def _drop_figures(filling: Filling, hold: Hold, found: Drops) -> dict[str, object]:
    figures: dict[str, object] = {"p2_pa": text_of(found.p2), "drop_raw_pa": text_of(found.raw)}
    if found.corr is not None:
        square = found.u_corr_sq
        figures["drop_corr_pa"] = text_of(found.corr)
        figures["u_corr_pa"] = text_of(
            (Decimal(square.numerator) / Decimal(square.denominator)).sqrt()
        )
    volume_l, operating_pa = filling.order.volume_l, filling.order.p_operating_pa
    if volume_l is None:
        return figures
    hold_us, pack = filling.spec.hold_us, filling.pack
    figures["leak_l_h"] = text_of(leak_l_h(volume_l, found.raw, hold_us, pack))
    if operating_pa is not None and hold.p1 > 0:
        air = filling.climate.at(*hold.windows_us[0])
        barometer = None if air is None else air.pa
        figures["leak_operating_l_h"] = text_of(
            leak_at_operating_l_h(
                volume_l,
                hold_us,
                Fraction(pack.hold.drop.atmosphere_pa.value) if barometer is None else barometer,
                hold.p1,
                found.p2,
                operating_pa,
            )
        )
    return figures


def _stage(filling: Filling, ruling: Ruling) -> None:
    attempt, course, hold = filling.attempt, filling.course, filling.hold
    if len(attempt.track):
        ruling.latest = (attempt.track.pa[-1], "Pa")
    if hold is not None and filling.due_us != NEVER:
        ruling.stage, ruling.since_us = "venting", hold.due_us
        ruling.ends_us = int(filling.wait_us)
    elif hold is not None:
        ruling.stage, ruling.since_us, ruling.ends_us = "holding", hold.from_us, hold.due_us
    elif course is not None and not course.pumping:
        ruling.stage, ruling.since_us = "stabilising", course.settling_us
        ruling.ends_us = course.settling_us + filling.spec.settle_max_us
    elif course is not None or _pumping(filling):
        ruling.stage = "pressurising"
    elif attempt.from_us is not None:
        ruling.stage, ruling.since_us = "zeroed", attempt.from_us


def _pumping(filling: Filling) -> bool:
    zero_pa = filling.pack.hold.instrument.zero_pa.value
    pumped = any(event.word == "pump_on" for event in filling.attempt.events)
    return pumped or any(pa > zero_pa for pa in filling.attempt.track.pa[-1:])
