"""Put verdicts and hazards into Odoo as maintenance requests, by external ids.

An external id is unique in Odoo, and `load` makes or updates by it in one transaction: nothing has
to be looked up, and nothing can be there twice.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from hub import ConfigError, Delivery, NoAnswer, Parcel, SinkPaused, Site
from plugins.odoo.api import Ailing, Api, Rejected
from plugins.odoo.settings import OdooSettings

STATES: Final = {
    "PASS": "done",
    "FAIL": "blocked",
    "INCONCLUSIVE": "normal",
    "ABORTED": "normal",
}
"""`kanban_state` of a request: ready for the next stage, blocked, in progress. Only PASS is ready;
the word itself stands in the name. The stage belongs to Odoo and is never set."""


class Odoo:
    """One database. One thread calls it."""

    def __init__(self, settings: OdooSettings, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._api: Api | None = None

    def open(self) -> None:
        """Read the key and prepare the connection; nothing is sent yet."""
        try:
            self._api = Api(self._settings, self._site.secret(self._settings.key))
        except ConfigError as missing:
            raise SinkPaused(str(missing)) from missing

    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery:
        """Put each parcel. `batch` has no meaning here: each event has an id of its own."""
        assert self._api is not None, "deliver() before open()"
        taken: dict[str, str] = {}
        refused: dict[str, str] = {}
        waiting: dict[str, str] = {}
        for parcel in parcels:
            try:
                records = _records(parcel)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as strange:
                why = f"{type(strange).__name__}: {strange}"
                refused[parcel.id] = f"no event of the contract: {why}"
                continue
            try:
                taken[parcel.id] = self._put(self._api, *records) if records else "no hazard"
            except Rejected as no:
                refused[parcel.id] = str(no)
            except (NoAnswer, Ailing) as unsure:
                waiting[parcel.id] = str(unsure)
        return Delivery(taken, refused, waiting)

    def close(self) -> None:
        api, self._api = self._api, None
        if api is not None:
            api.close()

    def _put(self, api: Api, request: Mapping[str, Any], event: Mapping[str, Any]) -> str:
        id = api.load("maintenance.request", request)
        if event:
            api.load("ir.attachment", {**event, "res_model": "maintenance.request", "res_id": id})
        return f"maintenance.request {id}"


def _records(parcel: Parcel) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The request, and the attachment (empty for a hazard); None for a deadline of another job."""
    data = json.loads(parcel.body)["data"]
    if parcel.kind == "verdict":
        return _verdict(parcel, data), {
            "id": _external(f"{parcel.key}-event"),
            "name": f"{parcel.key}.json",
            "datas": base64.b64encode(parcel.body).decode(),
            "mimetype": "application/json",
        }
    if data["kind"] != "hazard":
        return None
    return _hazard(data), {}


def _verdict(parcel: Parcel, data: Mapping[str, Any]) -> dict[str, Any]:
    verdict = data["verdict"]
    sentence = verdict["sentence"]
    told = [sentence["zh"], sentence["en"], ", ".join(verdict["reasons"])]
    return {
        "id": _external(parcel.key),
        "name": f"{data['order']} {verdict['procedure']}: {verdict['verdict']}",
        "description": "".join(f"<p>{escape(line)}</p>" for line in told if line),
        "kanban_state": STATES[verdict["verdict"]],
    }


def _hazard(data: Mapping[str, Any]) -> dict[str, Any]:
    """One request for all events of a hazard; the newest says how it stands."""
    ended, due = data.get("ended"), data.get("next_due_at")
    utc = datetime.fromisoformat(due).astimezone(UTC) if due else None
    return {
        "id": _external(f"job-{data['order']}"),
        "name": f"{data['order']} hazard" + (f": {ended}" if ended else ""),
        "kanban_state": "done" if ended else "blocked",
        "priority": "0" if ended else "3",
        "schedule_date": utc.strftime("%Y-%m-%d %H:%M:%S") if utc else "",
    }


def _external(name: str) -> str:
    """An external id: a module's name, one dot, and a name without any."""
    return f"gashub.{name.replace('.', '_')}"
