"""Put verdicts and jobs into Tryton, once each, however often they are delivered.

A verdict becomes an inspection whose reference is "ORDER KEY", with the event and a page attached;
a step of a job becomes a note on the task of its order, which begins with the key. Both are looked
up before they are made, and each delivery makes only what is not there yet.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from hub import (
    ConfigError,
    Delivery,
    Fence,
    Held,
    NoAnswer,
    Parcel,
    SinkPaused,
    SinkUnavailable,
    Site,
)
from plugins.tryton.answers import Ailing, Overtaken, Rejected
from plugins.tryton.holdings import held_in
from plugins.tryton.orders import order_in
from plugins.tryton.page import title_of, verdict_page
from plugins.tryton.places import CODES, POINT, Places
from plugins.tryton.rest import Record, Rest, binary, literal, moment
from plugins.tryton.settings import TrytonSettings

DECIDED: Final = {"PASS": "passed", "FAIL": "failed"}
"""What is processed, and the state it ends in. INCONCLUSIVE and ABORTED stay pending: Tryton has
no word for them, and neither is a success."""


class Tryton:
    """One database. `deliver` and `close` belong to the channel's thread; `find_order` and
    `holdings` may be called from any, and have connections of their own.
    """

    def __init__(self, name: str, settings: TrytonSettings, site: Site) -> None:
        self._name = name
        self._settings = settings
        self._site = site
        self._fence = Fence(settings.settle_s, site.clock.now_us())
        self._rest: Rest | None = None
        self._places: Places | None = None

    def open(self) -> None:
        """Read the key and prepare the connection; nothing is sent yet."""
        self._rest = self._connection()
        self._places = self._at(self._rest)

    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery:
        """Put each parcel. `batch` has no meaning here: each event has a place of its own."""
        assert self._rest is not None, "deliver() before open()"
        assert self._places is not None, "deliver() before open()"
        taken: dict[str, str] = {}
        refused: dict[str, str] = {}
        waiting: dict[str, str] = {}
        for parcel in parcels:
            putting = Putting(self._rest, self._places, self._fence, parcel)
            try:
                taken[parcel.id] = putting.put()
            except Rejected as no:
                refused[parcel.id] = str(no)
            except (NoAnswer, Overtaken, Ailing) as unsure:
                waiting[parcel.id] = str(unsure)
        return Delivery(taken, refused, waiting)

    def close(self) -> None:
        rest, self._rest = self._rest, None
        self._places = None
        if rest is not None:
            rest.close()

    def find_order(self, number: str) -> Mapping[str, Any] | None:
        """The work order of Tryton's task *number*, in the form of `gashub order add`.

        returns  None when there is no such task, or it carries no file of ours
        raises   ConfigError for a file that is no JSON object; else as `Egress.send`
        """
        rest = self._connection()
        try:
            return order_in(rest, self._at(rest), number)
        finally:
            rest.close()

    def holdings(self, from_us: int) -> Iterator[Held]:
        """What Tryton has of this sink's verdicts, by its inspections and their files."""
        rest = self._connection()
        try:
            yield from held_in(rest, self._name, from_us)
        except (Ailing, Overtaken, Rejected) as no:
            raise SinkUnavailable(str(no)) from no
        finally:
            rest.close()

    def _connection(self) -> Rest:
        try:
            return Rest(self._settings, self._site.secret(self._settings.key))
        except ConfigError as missing:
            raise SinkPaused(str(missing)) from missing

    def _at(self, rest: Rest) -> Places:
        asked = self._settings
        return Places(rest, asked.company, asked.customer, self._site.gateway)


class Putting:
    """One parcel on its way into Tryton."""

    def __init__(self, rest: Rest, places: Places, fence: Fence, parcel: Parcel) -> None:
        self._rest = rest
        self._places = places
        self._fence = fence
        self._parcel = parcel

    def put(self) -> str:
        """Returns the receipt: what it is in Tryton."""
        try:
            event = json.loads(self._parcel.body)
            data = event["data"]
            if self._parcel.kind == "verdict":
                return self._verdict(event, data)
            return self._job(data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as strange:
            raise Rejected(
                f"no event of the contract: {type(strange).__name__}: {strange}", "event"
            ) from strange

    # -- a verdict

    def _verdict(self, event: Mapping[str, Any], data: Mapping[str, Any]) -> str:
        verdict, key = data["verdict"], self._parcel.key
        word, page = verdict["verdict"], verdict_page(event)
        fields = ("number", "state")
        reference = f"{data['order']} {key}"
        found = self._rest.find("quality.inspection", [["reference", "=", reference]], *fields)
        if found:
            one, has = found[0], self._attached(found[0]["id"])
        else:
            values = {
                "reference": reference,
                "company": self._places.company(),
                "control": self._places.control(verdict["procedure"], self._create),
                "points": {POINT: CODES[word]},
            }
            one, has = self._create("quality.inspection", values, *fields), set()
        resource = f"quality.inspection,{one['id']}"
        for name, content in ((f"{key}.html", page), (f"{key}.json", self._parcel.body)):
            if name not in has:
                values = {"name": name, "resource": resource, "data": binary(content)}
                self._create("ir.attachment", values, "id")
        if word in DECIDED and one["state"] == "pending":
            self._process(one, word)
            if word == "FAIL":
                self._name_alerts(resource, data)
        self._note(data["order"], "", f"{title_of(data)}\n{verdict['sentence']['zh']}")
        return f"inspection {one['number']}"

    def _attached(self, id: int) -> set[str]:
        domain = [["resource", "=", f"quality.inspection,{id}"]]
        return {one["name"] for one in self._rest.find("ir.attachment", domain, "name")}

    def _process(self, one: Record, word: str) -> None:
        """Have Tryton decide it by the one point. Its answer is compared, never taken over."""
        try:
            with self._writing():
                state = self._rest.press("quality.inspection", one["id"], "process", "state")
        except Rejected as no:
            if no.code != "state":  # somebody else, or an attempt of ours, has processed it
                raise
            return
        if state["state"] != DECIDED[word]:
            raise Rejected(
                f"inspection {one['number']} became {state['state']}, expected {DECIDED[word]}: "
                f"its control or its point {POINT} was changed in Tryton; put that right, set the "
                "inspection to pending, then `gashub outbox retry`",
                "control",
            )

    def _name_alerts(self, resource: str, data: Mapping[str, Any]) -> None:
        """Tryton opens an alert for each failed inspection; say what it is about."""
        sentence = data["verdict"]["sentence"]
        for alert in self._rest.find("quality.alert", [["origin", "=", resource]], "title"):
            if not alert["title"]:
                told = f"{sentence['zh']}\n{sentence['en']}"
                values = {"title": title_of(data), "description": told}
                with self._writing():
                    self._rest.write("quality.alert", alert["id"], values)

    # -- a step of a job

    def _job(self, data: Mapping[str, Any]) -> str:
        parts = [data["kind"], data["what"], data.get("step"), data.get("verdict")]
        parts += [data.get("ended") and f"ended: {data['ended']}", data.get("clause")]
        told = f"{data['at']} {', '.join(str(part) for part in parts if part)}"
        return self._note(data["order"], data.get("parent", ""), told, data)

    def _note(
        self, order: str, parent: str, told: str, job: Mapping[str, Any] | None = None
    ) -> str:
        """The note of this event on the task of its order. It comes last, and so says that all
        else is done.
        """
        title = f"{job['kind']} ({job['user_class']})" if job else ""
        task = self._places.task_or_made(order, parent, title, self._create)
        resource = f"project.work,{task['id']}"
        mark = f"[{self._parcel.key}]"
        domain = [["resource", "=", resource], ["message", "like", f"{literal(mark)}%"]]
        if not self._rest.find("ir.note", domain, "id", size=1):
            if job is not None and job["kind"] == "hazard":
                self._deadline(task, job.get("next_due_at"))
            self._create("ir.note", {"resource": resource, "message": f"{mark} {told}"}, "id")
        return f"task {task['number']}"

    def _deadline(self, task: Record, due: str | None) -> None:
        wanted = moment(datetime.fromisoformat(due)) if due else None
        if task["constraint_finish_time"] != wanted:
            with self._writing():
                self._rest.write("project.work", task["id"], {"constraint_finish_time": wanted})

    # -- inside

    def _create(self, model: str, values: Record, *fields: str) -> Record:
        with self._writing():
            return self._rest.create(model, values, *fields)

    def _writing(self) -> Any:
        return self._fence.writing(self._parcel.created_us)
