"""English texts: why a step of a job is refused, and what to do next. `clause` is in all."""

from typing import Final

EN_JOBS: Final[dict[str, str]] = {
    # -- where the job stands
    "job.refused.ended": "The job has ended ({ended}), and nothing more may be done in it (clause "
    "{clause}): open a new job",
    "job.refused.not_here": '"{step}" does not apply to this job as its facts and answers stand '
    "(clause {clause}): go on with the other steps",
    "job.refused.phase": '"{step}" belongs to: {phases}; the job is now: {phase} (clause '
    "{clause}): do what leads there first",
    "job.refused.done": '"{step}" is done already and is not done twice (clause {clause}): go on '
    "with the next step",
    "job.refused.no_visit": '"{step}" is done on site, and nobody has arrived or all have left '
    "(clause {clause}): record the arrival first",
    "job.refused.visit_open": '"{step}" begins a visit, and one is going on (clause {clause}): '
    "record the departure first",
    "job.refused.after": '"{step}" comes after "{before}", which was not done (clause {clause}): '
    'do "{before}" first',
    "job.refused.undone": '"{step}" comes after "{before}", which no longer holds: {why} (clause '
    '{clause}): do "{before}" again',
    "job.refused.not_in_order": '"{step}" comes after "{before}", and that was not in order '
    '(clause {clause}): put it right, then do "{before}" again',
    "job.refused.count": '"{step}" needs "{asked}" with the answer {answer} on {wanted} '
    "different days; there are {days} (clause {clause}): come again on another day",
    "job.refused.tries": '"{step}" came to nothing {again} times in a row (clause {clause}): a '
    'supervisor does "{decides}" before it is tried again',
    # -- who does it
    "job.refused.stranger": "{by} is not in the register of staff (clause {clause}): have "
    "somebody who is do it, or have {by} entered",
    "job.refused.no_certificate": "{by} holds no {role} (clause {clause}): have somebody who does "
    "do it, or have the certificate entered",
    "job.refused.certificate_expired": "{by}: the {role}, {number}, ended on {until} (clause "
    "{clause}): have somebody with a valid one do it, or have the new one entered",
    "job.refused.no_supervisor": "Of {by} none is a supervisor, and this is for one (clause "
    "{clause}): ask a supervisor",
    "job.refused.own_work": "{by} has done other steps of this job, and nobody decides about "
    "one's own work (clause {clause}): ask another supervisor",
    "job.refused.one_person": "This takes two different persons, and there is only {by} (clause "
    "{clause}): name the second one",
    # -- the PASS that must hold
    "job.refused.need_absent": '"{step}" needs a valid "{test}", and there is no verdict of one '
    "(clause {clause}): do the test",
    "job.refused.need_over": '"{step}" needs a valid "{test}"; its PASS no longer holds: {why} '
    "(clause {clause}): do the test again",
    "job.refused.need_failed": '"{step}" needs a valid "{test}", and its newest verdict is '
    "{verdict} (clause {clause}): find out why, put it right, and do the test again",
    "job.refused.need_section": '"{step}" needs a valid "{test}" of section {wanted}; the verdict '
    "is about section {section} (clause {clause}): test the section that the order names",
    "job.refused.need_old": '"{step}" needs a valid "{test}"; the PASS is older than {length} '
    "(clause {clause}): do the test again",
    "job.refused.need_visit": '"{step}" needs a valid "{test}" of this visit; the PASS is of '
    "an earlier one (clause {clause}): do the test again",
    "job.refused.need_clock": '"{step}" needs a valid "{test}"; the clock stood or was wrong '
    "since, and nobody knows how old the PASS is (clause {clause}): set the clock right, and do "
    "the test again",
    "job.refused.need_worked": '"{step}" needs a valid "{test}"; the pipe was worked on since '
    "it began, or failed a test of another job (clause {clause}): do the test again",
    # -- notices
    "job.refused.notice_absent": '"{step}" needs "{notice}" {length} before, and it is not '
    "recorded (clause {clause}): give the notice, record it, and wait",
    "job.refused.notice_late": '"{step}" needs "{notice}" {length} before, and that time has not '
    "passed (clause {clause}): wait",
    "job.refused.notice_clock": '"{step}" needs "{notice}" {length} before; the clock stood or was '
    "wrong since, and nobody knows how long ago it was (clause {clause}): set the clock right, "
    "and give the notice again",
    "job.refused.no_notice": '"{notice}" is no notice that this job waits for (clause {clause}): '
    "look at the steps of the job",
    "job.refused.not_waivable": '"{notice}" may be let be by nobody (clause {clause}): give the '
    "notice, and wait",
    "job.refused.no_reason": "Why the notice is let be is not said (clause {clause}): give the "
    "reason",
    # -- answers
    "job.refused.unasked": '"{question}" is not asked for here (clause {clause}); what is asked: '
    "{asked}",
    "job.refused.unanswered": '"{asks}" ({question}) has no answer (clause {clause}): answer it',
    "job.refused.answer_text": '"{asks}" ({question}): {value} is not taken (clause {clause}): '
    "give one line of text, at most {most} characters",
    "job.refused.names_somebody": '"{asks}" ({question}): it looks as if it held a phone or '
    "identity number (clause {clause}), and what stands here is never erased: leave it out; a "
    "customer's belongs into `customer` of the job's order, and a document's number that looks "
    "like one is parted by a slash",
    "job.refused.answer_choice": '"{asks}" ({question}): {value} is none of the answers (clause '
    "{clause}): give one of {options}",
    "job.refused.answer_number": '"{asks}" ({question}): {value} is no number (clause {clause}): '
    "give digits, with a decimal point if need be",
    "job.refused.answer_file": '"{asks}" ({question}): {value} is no SHA-256 of a file (clause '
    "{clause}): hand in the photo or scan itself",
    "job.refused.answer_time": '"{asks}" ({question}): {value} is no moment (clause {clause}): '
    "give it like 2026-11-24T18:00:00+08:00",
    "job.refused.answer_future": '"{asks}" ({question}): {value} is still to come (clause '
    "{clause}): give when it was, or look whether the clock is right",
    "job.refused.answer_hazard": '"{asks}" ({question}): {value} is not in the hazard catalogue, '
    "and nothing else describes a hazard (clause {clause}): give its code, such as L1-1",
    "job.refused.answer_items": '"{asks}" ({question}): {value} is no checklist (clause '
    "{clause}): answer each of its items",
    "job.refused.items_missing": '"{asks}" ({question}): left out: {items} (clause {clause}): '
    "answer each item; none may be left out",
    "job.refused.items_strange": '"{asks}" ({question}): not on the checklist: {items} (clause '
    "{clause}): answer the items that are on it",
    "job.refused.answer_item": '"{asks}" ({question}): {item} is answered by {value} (clause '
    "{clause}): answer ok, not_ok or not_applicable; hazard, remark and photo are text",
    "job.refused.item_hazard_ok": '"{asks}" ({question}): {item} is in order and names a hazard '
    "(clause {clause}): take the hazard out, or answer not_ok",
    "job.refused.item_hazard": '"{asks}" ({question}): {item} is not in order, and which hazard '
    "that is is not said (clause {clause}): name one of {hazards}",
    "job.refused.answer_above": '"{asks}" ({question}): {value} is not more than {other} (clause '
    "{clause}): read both again; a meter that does not count is a fault",
    # -- lengths of clocks
    "job.length.hours": "{length} h",
    "job.length.before_hours": "{length} h",
    "job.length.natural_days": "{length} day(s)",
    "job.length.same_day": "the same day",
    "job.length.from_day": "{length} calendar day(s)",
    "job.length.years": "{length} year(s)",
    "job.none": "nothing",
    # -- before a job or a test begins
    "job.refused.user_class": '"{job}" is for {classes}, and the order is for {user_class} (clause '
    "{clause}): order the job of that class's chapter",
    "job.refused.open_point": "The regulations leave open: {text}. Rule pack {pack} does not "
    "answer it (open_point.{point}, clause {clause}): have the company set it in a pack of its own",
    "job.refused.not_signed_off": "The regulations leave open: {text}. What rule pack {pack} says "
    "of it is a proposal that nobody has signed off (open_point.{point}, clause {clause}): have "
    "the company sign a pack of its own",
    "job.refused.no_test": 'The order says nothing of the test "{step}" (clause {clause}): give it '
    "with `gashub job test`",
    "job.refused.no_calibration": '"{step}": the order does not say until when {instrument} is '
    "calibrated (clause {clause}): take one whose calibration is known, or have it entered",
    "job.refused.calibration_over": '"{step}": the calibration of {instrument} ended on {until} '
    "(clause {clause}): take another instrument",
    "job.refused.file_absent": "{question}: the hub does not have the file {value} (clause "
    "{clause}): hand the file itself over first",
    # -- what is to be known after a step
    "job.note.not_in_order": '"{step}" is recorded and is not in order: {asks} (clause {clause}): '
    'the job does not go on with it; put it right, then do "{step}" again',
    "job.note.hazard": "Hazard {job} was opened: {code} {hazard} (clause {clause}): deal with it "
    "step by step, see `gashub job show {job}`",
    # -- jobs: screen and guide
    "job.screen.done": "done   ",
    "job.screen.open": "open   ",
    "job.screen.waiting": "refused",
    "job.screen.apart": "apart  ",
    "job.screen.deadlines": "deadlines",
    "job.screen.hazards": "hazards",
    "job.guide.nothing": "Nothing may be done now: the reasons stand above",
    "job.guide.which": "Which step (number or name; Enter leaves)",
    "job.guide.waiting": "refused now (a name says why): {names}",
    "job.guide.choice": "Give one of the answers in brackets",
    "job.guide.unknown": "{said}: no such number or name",
    "job.guide.needed": "This must be answered; q goes back",
    "job.guide.no_file": "{said}: no such file; give the path of the photo or scan",
    "job.guide.hazard": "Which hazard is it",
    "job.guide.event": "A test is running: type what is done ({events}), Enter looks again, "
    "q leaves",
}
