"""Where things belong in Tryton. Everything is looked up, by code or name, before it is made.

company   that of the party with the configured code; never made
customer  the party with the configured code
project   of that customer, named after the gateway: for tasks that did not begin in Tryton
task      number is the order's, or its name is: the first began in Tryton, the second is ours
control   "gashub PROCEDURE", with the one point `gashub_verdict`
"""

from typing import Any, Final, Protocol

from hub import SinkPaused
from plugins.tryton.answers import Overtaken
from plugins.tryton.rest import Domain, Record, Rest

POINT: Final = "gashub_verdict"
CODES: Final = {"PASS": 1, "FAIL": 2, "INCONCLUSIVE": 3, "ABORTED": 4}
"""Value of the point for each verdict. Its tolerance is 1 to 1, so that only PASS can pass, also
when somebody processes a pending inspection by hand."""


class Writes(Protocol):
    """A create behind the fence."""

    def __call__(self, model: str, values: Record, *fields: str) -> Record: ...


class Places:
    """Ids found so far; made anew with each connection, so that nothing stale is kept."""

    def __init__(self, rest: Rest, company: str, customer: str, gateway: str) -> None:
        self._rest = rest
        self._company = company
        self._customer = customer
        self._gateway = gateway
        self._ids: dict[tuple[str, str], int] = {}

    def company(self) -> int:
        """raises  SinkPaused when there is none with that code"""
        found = self._look("company.company", [["party.code", "=", self._company]], self._company)
        if found is None:
            raise SinkPaused(
                f"Tryton has no company whose party has the code {self._company!r}, or the key's "
                "user is not in it; correct `company` or the user, then `gashub outbox retry`"
            )
        return found

    def customer(self, create: Writes) -> int:
        code = self._customer
        values = {"code": code, "name": f"gashub: {code}"}
        return self._or_made("party.party", [["code", "=", code]], code, values, create)

    def project(self, create: Writes) -> int:
        name, company = f"gashub {self._gateway}", self.company()
        domain = [["type", "=", "project"], ["name", "=", name], ["company", "=", company]]
        if (found := self._look("project.work", domain, name)) is not None:
            return found
        party = self.customer(create)
        values = {"name": name, "type": "project", "company": company, "party": party}
        return self._or_made("project.work", domain, name, values, create)

    def task(self, number: str) -> Record | None:
        """The task of an order: one that began in Tryton before one of ours."""
        by = ["OR", [["number", "=", number]], [["name", "=", number]]]
        domain = [["type", "=", "task"], ["company", "=", self.company()], by]
        found = self._rest.find("project.work", domain, "number", "constraint_finish_time")
        return next((one for one in found if one["number"] == number), found[0] if found else None)

    def task_or_made(self, number: str, parent: str, title: str, create: Writes) -> Record:
        """The same; made below the task of the order *parent*, or else in our own project."""
        if (found := self.task(number)) is not None:
            return found
        above = self.task(parent) if parent else None
        values = {
            "name": number,
            "type": "task",
            "company": self.company(),
            "parent": self.project(create) if above is None else above["id"],
            "comment": title,
        }
        return create("project.work", values, "number", "constraint_finish_time")

    def control(self, procedure: str, create: Writes) -> int:
        name = f"gashub {procedure}"
        point = {
            "name": POINT,
            "string": "Verdict: 1 PASS, 2 FAIL, 3 INCONCLUSIVE, 4 ABORTED",
            "type_": "integer",
            "tolerance_lower": CODES["PASS"],
            "tolerance_upper": CODES["PASS"],
        }
        values = {"name": name, "points": [["create", [point]]]}
        return self._or_made("quality.control", [["name", "=", name]], name, values, create)

    def _look(self, model: str, domain: Domain, name: str) -> int | None:
        if (model, name) not in self._ids:
            found: list[Any] = self._rest.find(model, domain, "id", size=1)
            if not found:
                return None
            self._ids[model, name] = int(found[0]["id"])
        return self._ids[model, name]

    def _or_made(
        self, model: str, domain: Domain, name: str, values: Record, create: Writes
    ) -> int:
        if (found := self._look(model, domain, name)) is not None:
            return found
        try:
            self._ids[model, name] = int(create(model, values, "id")["id"])
        except Overtaken:
            if self._look(model, domain, name) is None:
                raise
        return self._ids[model, name]
