"""An order that names an instrument nobody here knows is taken, and the name is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.testing import wait_until
from tests.test_app import Hub, write_plugin

LINK = """
from hub import DriverKind, Intake, Settings, hookimpl, measure

class One:
    def __init__(self, name, settings, site):
        self.name, self.clock, self.said = name, site.clock, False
    def open(self): ...
    def read(self, within_s):
        if self.said:
            return []
        self.said = True
        now = self.clock.now_us()
        reading = measure(instrument="det-7", quantity="gas", value="1", unit="%LEL", at_us=now)
        return [Intake(self.name, b"x", now, (reading,))]
    def settle(self, receipts): ...
    def close(self): ...

@hookimpl
def register_drivers():
    return [DriverKind("one", Settings, One)]
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A running hub that knows pm-1 by its facts and has heard det-7 over a link."""
    write_plugin(tmp_path, "acme_one", LINK)
    more = (
        '[[instrument]]\nname = "pm-1"\nquantity = "pressure"\n'
        '[[link]]\nname = "site"\nkind = "one"\n'
    )
    made = Hub(tmp_path, '"acme_one.mod"', more)
    made.start()
    wait_until(lambda: "det-7" in made.status()["instruments"])
    yield made
    assert made.stop() == 0


def add(hub: Hub, *instruments: str) -> Any:
    order = {
        "number": "WO-" + "-".join(instruments),
        "procedure": "safe_to_work",
        "instruments": [{"name": name, "quantity": "gas"} for name in instruments],
    }
    (hub.folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
    added = hub.cli("order", "add", str(hub.folder / "order.json"), "--json")
    assert added.returncode == 0, added.stderr
    return json.loads(added.stdout)


def test_a_name_from_the_facts_or_from_a_reading_is_known(hub: Hub) -> None:
    """Neither adding nor opening warns."""
    answer = add(hub, "pm-1", "det-7")

    assert answer["warnings"] == []
    opened = hub.cli("order", "open", answer["number"], "--json")
    assert json.loads(opened.stdout)["warnings"] == []


def test_an_unknown_name_is_told_by_add_and_open_and_refused_by_neither(hub: Hub) -> None:
    """With the nearest name that is known; an instrument may still come over the link."""
    answer = add(hub, "det-7", "det-77", "xyz")

    near, far = answer["warnings"]
    assert 'instrument "det-77"' in near
    assert near.endswith('did you mean "det-7"?')
    assert 'instrument "xyz"' in far
    assert "did you mean" not in far
    opened = hub.cli("order", "open", answer["number"], "--json")
    assert opened.returncode == 0, opened.stderr
    assert json.loads(opened.stdout)["warnings"] == answer["warnings"]
