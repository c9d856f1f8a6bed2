"""Put verdicts and hazards into an entity set, by a property that holds our key.

OData has no create-if-absent for entities whose keys the service gives, so each is looked up first,
behind the fence. A verdict is made once and never changed; a hazard is changed under its ETag.
"""

import json
from collections.abc import Sequence
from typing import Any

from hub import ConfigError, Delivery, Fence, NoAnswer, Parcel, SinkPaused, Site
from plugins.odata.service import Ailing, Entity, Rejected, Service, Stale
from plugins.odata.settings import OdataSettings


class Odata:
    """One entity set. One thread calls it."""

    def __init__(self, settings: OdataSettings, site: Site) -> None:
        self._settings = settings
        self._site = site
        self._fence = Fence(settings.settle_s, site.clock.now_us())
        self._service: Service | None = None

    def open(self) -> None:
        """Read the token and prepare the connection; nothing is sent yet."""
        try:
            token = self._site.secret(self._settings.token)
        except ConfigError as missing:
            raise SinkPaused(str(missing)) from missing
        self._service = Service(self._settings, token)

    def deliver(self, parcels: Sequence[Parcel], batch: str) -> Delivery:
        """Put each parcel. `batch` has no meaning here: each event has a reference of its own."""
        assert self._service is not None, "deliver() before open()"
        taken: dict[str, str] = {}
        refused: dict[str, str] = {}
        waiting: dict[str, str] = {}
        for parcel in parcels:
            try:
                reference, entity = self._entity(parcel)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as strange:
                why = f"{type(strange).__name__}: {strange}"
                refused[parcel.id] = f"no event of the contract: {why}"
                continue
            try:
                if entity:
                    self._put(self._service, parcel, reference, entity)
                taken[parcel.id] = reference if entity else "no hazard"
            except Rejected as no:
                refused[parcel.id] = str(no)
            except (NoAnswer, Ailing, Stale) as unsure:
                waiting[parcel.id] = str(unsure)
        return Delivery(taken, refused, waiting)

    def close(self) -> None:
        service, self._service = self._service, None
        if service is not None:
            service.close()

    def _put(self, service: Service, parcel: Parcel, reference: str, entity: Entity) -> None:
        there = service.find(reference)
        if there is None:
            with self._fence.writing(parcel.created_us):
                service.create({self._settings.reference: reference, **entity})
        elif parcel.kind != "verdict":
            changed = {name: value for name, value in entity.items() if there.get(name) != value}
            if changed:
                with self._fence.writing(parcel.created_us):
                    service.change(there, changed)

    def _entity(self, parcel: Parcel) -> tuple[str, dict[str, Any]]:
        """Reference and properties; no properties for a deadline of another job."""
        data = json.loads(parcel.body)["data"]
        if parcel.kind == "verdict":
            verdict = data["verdict"]
            word = verdict["verdict"]
            entity = self._mapped(
                title=f"{data['order']} {verdict['procedure']}: {word}",
                order=data["order"],
                procedure=verdict["procedure"],
                code=self._settings.codes[word],
                sentence_zh=verdict["sentence"]["zh"],
                sentence_en=verdict["sentence"]["en"],
                decided_at=data["decided_at"],
            )
            if self._settings.items and verdict["reasons"]:
                text = self._settings.item_text
                entity[self._settings.items] = [{text: reason} for reason in verdict["reasons"]]
            return parcel.key, entity
        if data["kind"] != "hazard":
            return "", {}
        ended = data.get("ended")
        title = f"{data['order']} hazard" + (f": {ended}" if ended else "")
        due = data.get("next_due_at")
        entity = self._mapped(title=title, order=data["order"], decided_at=data["at"], due=due)
        return f"job-{data['order']}", entity

    def _mapped(self, **facts: str | None) -> dict[str, Any]:
        """Their properties. What this event does not know is left out, but for an ended `due`."""
        entity: dict[str, Any] = {}
        for theirs, ours in self._settings.properties.items():
            if ours.startswith("="):
                entity[theirs] = ours[1:]
            elif ours in facts:
                entity[theirs] = facts[ours]
        return entity
