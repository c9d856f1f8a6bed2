"""Row O9 of the fault table: what is only tried out reaches no production channel, by any door.

Real processes throughout: hub, API, inbox, a broker, two CRM receivers and two filing folders, one
of each for production and one for tests. Every door gets a real order beside the trial, so that a
channel that is merely dead would be seen. Filings of `gashub filing` leave trials out by the query
that drafts them: tests/test_filing.py.
"""

import json
import signal
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile, is_zipfile

import pytest

from hub.cli.main import app
from hub.simulate.mosquitto import Mosquitto
from hub.simulate.receiver import Receiver, stored
from hub.testing import wait_until
from tests.api_rig import House, order
from tests.foreman_rig import PHOTO, PHOTO_SHA, purge_order
from tests.mqtt_rig import Listener, Speaker
from tests.outbox_rig import SECRET

EVENTS: Final = ("verdict", "alarm", "job", "order", "hazard", "visit", "notice", "filing")
CRM: Final = """
[[sink]]
name = "{name}"
kind = "crm"
url = "{url}"
secrets = ["crm"]
allow_plain_http = true
lan = ["127.0.0.0/8", "::1/128"]
retry_most_s = 1
events = {events}
trial = {trial}
"""
CITY: Final = """
[[sink]]
name = "{name}"
kind = "gov_filing"
folder = "{folder}"
company = "某某燃气有限公司"
credit_code = "91110000101623741K"
division_code = "110105"
batch_linger_s = 0.1
trial = {trial}
"""
INBOX: Final = """
[[inbox]]
name = "office"
kind = "folder"
folder = "{folder}"
quiet_s = 0.3

[[inbox]]
name = "erp"
kind = "mqtt"
host = "127.0.0.1"
port = {port}
topic = "erp/orders"
reply_topic = "erp/replies"
"""


class Company:
    """A gateway with production and test channels, and all doors open."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.real = Receiver(folder / "crm.jsonl").start()
        self.test = Receiver(folder / "try.jsonl").start()
        for name in ("city", "city-try", "in"):
            (folder / name).mkdir()
        self.inbox = INBOX.format(folder=folder / "in", port=broker.port)
        self.house = House(folder, '"crm", "gov_filing"', self.lines({"crm", "city"}))
        self.broker = broker
        self.token = ""

    def lines(self, production: set[str]) -> str:
        """The sinks, of which these are production."""
        folder = self.real.file.parent

        def trial(name: str) -> str:
            return str(name not in production).lower()

        crms = [
            CRM.format(name=name, url=far.url, events=json.dumps(EVENTS), trial=trial(name))
            for name, far in (("crm", self.real), ("crm-try", self.test))
        ]
        cities = [
            CITY.format(name=name, folder=folder / name, trial=trial(name))
            for name in ("city", "city-try")
        ]
        return "".join([*crms, *cities, self.inbox])

    def start(self) -> None:
        for name in ("run", "api", "inbox"):
            self.house.start(name)
        self.token = self.token or self.house.token()

    def stop(self) -> None:
        for name in ("inbox", "api", "run"):
            self.house.stop(name)

    def cli(self, *words: str) -> None:
        app([*words, "--config", str(self.house.config)], standalone_mode=False)

    def end(self, number: str) -> None:
        """Begin the order's first test and give the order up: events of every sort come of it."""
        self.house.ask("order.open", number=number)
        self.house.ask("order.abort", number=number)
        running = "SELECT 1 FROM attempts WHERE state='open'"
        wait_until(lambda: not self.house.rows(running), "its verdict")  # it has the instrument

    def has(self, number: str) -> bool:
        return bool(self.house.rows("SELECT 1 FROM orders WHERE number=?", number))

    def settled(self) -> None:
        """Wait until nothing is under way any more."""
        state = "SELECT 1 FROM parcels WHERE state='waiting' LIMIT 1"
        wait_until(lambda: not self.house.rows(state), "every parcel's end", within_s=40)


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("GASHUB_SECRET_CRM", SECRET)
    (tmp_path / "mq").mkdir()
    with Mosquitto(tmp_path / "mq") as broker:
        made = Company(tmp_path, broker)
        try:
            made.start()
            yield made
        finally:
            made.stop()
            made.real.stop()
            made.test.stop()


def test_O9_a_trial_reaches_no_production_channel_by_any_door(company: Company) -> None:
    """Command line, socket, HTTP, folder, topic, amended, cancelled, a job with its hazard, refused
    by the regulations; then retried, replayed and redelivered; then after a restart with channels
    that have changed sides while parcels waited. Leaks: 0.
    """
    by_every_door(company)
    amended(company)
    for sort in ("T", "R"):
        a_job_with_a_hazard(company, f"{sort}-job", trial=sort == "T")
        refused_by_the_regulations(company, f"{sort}-no", trial=sort == "T")
    company.settled()

    came = told(company.real.file)
    assert {number for number, _ in came} >= {f"R-{door}" for door in DOORS}
    assert {kind for _, kind in came} >= {"verdict", "order", "job", "hazard", "visit"}
    tried = told(company.test.file)
    assert {number for number, _ in tried} >= {f"T-{door}" for door in DOORS} | {"T-job-H1"}
    assert {number for number, _ in tried if number.startswith("R-")} == set()
    assert leaks(company) == []

    again(company)
    company.settled()
    assert leaks(company) == []

    changing_sides(company)
    assert leaks(company) == []


def test_O9_a_leak_would_be_found(company: Company) -> None:
    """A trial that was sent without its mark is seen on both production channels."""
    company.house.ask("order.add", text=json.dumps(order("T-leak")))
    company.end("T-leak")
    company.settled()

    assert {one.partition(":")[0] for one in leaks(company)} == {"crm", "city"}


DOORS: Final = ("cli", "socket", "api", "folder", "topic", "amended")


def by_every_door(company: Company) -> None:
    house, folder = company.house, company.house.folder
    both = [(sort, sort == "T") for sort in ("T", "R")]
    for sort, trial in both:
        file = folder / f"{sort}.json"
        file.write_text(json.dumps(order(f"{sort}-cli", trial=trial)))
        company.cli("order", "add", str(file))
        house.ask("order.add", text=json.dumps(order(f"{sort}-socket", trial=trial)))
        said = house.send("POST", "/v1/orders", order(f"{sort}-api", trial=trial), company.token)
        assert said.status == 201
    rows = [
        f"{sort}-folder,indoor_hold,air,{str(trial).lower()},pm-1:pressure" for sort, trial in both
    ]
    part = folder / "in" / "orders.csv.part"
    part.write_text("\n".join(["number,procedure,medium,trial,instruments", *rows, ""]))
    part.rename(folder / "in" / "orders.csv")
    messages = [json.dumps(order(f"{sort}-topic", trial=trial)).encode() for sort, trial in both]
    with Listener(company.broker.port, "erp/replies"), Speaker(company.broker.port) as speaker:
        wait_until(lambda: (speaker.say(*messages, topic="erp/orders"), company.has("R-topic"))[1],
                   "an order by topic", within_s=30)  # fmt: skip
    wait_until(lambda: company.has("R-folder"), "an order by folder", within_s=30)
    for door in DOORS[:-1]:
        for sort, _ in both:
            company.end(f"{sort}-{door}")


def amended(company: Company) -> None:
    """An amendment keeps the mark, and cannot take it away."""
    house, token = company.house, company.token
    for sort, trial in (("T", True), ("R", False)):
        number = f"{sort}-amended"
        added = house.send("POST", "/v1/orders", order(number, trial=trial), token)
        path, mark = f"/v1/orders/{number}", {"If_Match": added.headers["ETag"]}
        changed = order(number, "first", "third", trial=trial)
        assert house.send("PUT", path, {**changed, "trial": not trial}, token, **mark).status == 409
        assert house.send("PUT", path, changed, token, **mark).status == 200
        company.end(number)


def a_job_with_a_hazard(company: Company, number: str, *, trial: bool) -> None:
    """An inspection that finds a leak: the hazard is a job that nobody ordered."""
    house, token = company.house, company.token
    held = {"certificates": {"inspection": {"number": "C-1", "until": "2099-06-30"}}}
    house.send("PUT", "/v1/staff/T-1", held, token)
    house.send("PUT", f"/v1/files/{PHOTO_SHA}", PHOTO, token)
    job = {
        "number": number, "job": "inspection", "user_class": "residential", "sections": {},
        "facts": {"cycle": "2026-2"}, "customer": {"user_no": f"88{number}"}, "trial": trial,
    }  # fmt: skip
    assert house.send("POST", "/v1/jobs", job, token).status == 201
    for step, answers in (
        ("visit", {"outcome": "entered", "consent": "yes"}),
        ("enter", {}),
        ("leak_check", {"result": "leak", "photo": PHOTO_SHA}),
    ):
        did = house.ask("job.do", number=number, step=step, by="T-1", answers=answers)
        assert did["done"], did
    assert house.send("GET", f"/v1/jobs/{number}-H1", token=token).status == 200


def refused_by_the_regulations(company: Company, number: str, *, trial: bool) -> None:
    job = {**purge_order(number), "user_class": "commercial", "trial": trial}
    assert company.house.send("POST", "/v1/jobs", job, company.token).status == 409


def again(company: Company) -> None:
    """Whatever an operator or an ERP can have delivered once more."""
    house = company.house
    before = len(list(stored(company.test.file)))
    company.cli("outbox", "replay", "--order", "T-cli")
    house.ask("outbox.replay", order="T-job-H1")
    parcels = house.rows("SELECT id FROM parcels WHERE order_number='T-api'")
    for (parcel,) in parcels:
        said = house.send("POST", f"/v1/deliveries/{parcel}/redeliver", None, company.token)
        assert said.body["parcels"] >= 1  # one that was filed in a batch brings its mates
    wait_until(lambda: len(list(stored(company.test.file))) > before + 3)


def changing_sides(company: Company) -> None:
    """Parcels of trials wait; the hub is killed; what was a test channel is production now."""
    house = company.house
    company.test.stop()
    house.ask("order.add", text=json.dumps(order("T-late", trial=True)))
    company.end("T-late")
    house.stop("run", signal.SIGKILL)
    config = house.config.read_text()
    begin = config.index("[[sink]]")
    house.config.write_text(config[:begin] + company.lines({"crm", "city", "crm-try", "city-try"}))
    company.test.file.rename(company.test.file.with_name("before.jsonl"))
    company.test.start()
    filed = set((house.folder / "city-try").rglob("*"))
    house.start("run")
    for number in ("T-cli", "T-job-H1"):
        house.ask("outbox.replay", order=number)
    house.ask("order.add", text=json.dumps(order("R-late")))
    company.end("R-late")
    company.settled()

    assert "R-late" in {number for number, _ in told(company.test.file)}, "production by now"
    house.ask("outbox.retry", order="T-late")
    company.settled()
    assert leaks(company, "try.jsonl", "city-try", filed) == []
    ended = house.rows(
        "SELECT DISTINCT state, reason LIKE '%a trial%' FROM parcels"
        " WHERE order_number IN ('T-late', 'T-cli', 'T-job-H1') AND sink='crm-try'"
    )
    assert ended == [("refused", 1)]


def told(file: Path) -> set[tuple[str, str]]:
    """(order, kind) of every event that a receiver was sent, taken or not."""
    events = [json.loads(one.body) for one in stored(file)] if file.exists() else []
    return {(str(one.get("subject")), one["type"].split(".")[1]) for one in events}


def leaks(
    company: Company, crm: str = "crm.jsonl", city: str = "city", but: Collection[Path] = ()
) -> list[str]:
    """Each thing of a trial that a production channel holds: where, and what.

    Numbers of trials begin with T here, whatever the events themselves say of it.
    """
    folder = company.house.folder
    found = []
    for one in stored(folder / crm):
        event: dict[str, Any] = json.loads(one.body)
        if str(event.get("subject")).startswith("T-") or event["data"].get("trial"):
            found.append(f"crm: {event['type']} of {event.get('subject')}")
    filed = [path for path in (folder / city).rglob("*") if path.is_file() and path not in but]
    return found + [f"city: {path.name}" for path in filed if b"T-" in numbers_in(path)]


def numbers_in(path: Path) -> bytes:
    """What a filed file says, of a workbook its cells; digests cannot look like a number."""
    if not is_zipfile(path):
        return path.read_bytes()
    with ZipFile(path) as book:
        return b"".join(book.read(name) for name in book.namelist() if "sharedStr" in name)
