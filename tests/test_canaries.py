"""Planted names, phones, addresses, numbers and secrets are where they belong, and nowhere else.

A real hub with API, inbox (folder and topic), a CRM, a filing folder and an authority, fed with
canaries at every door and driven into its error paths; then everything it has written is searched:
logs, events, the record column by column, files, replies, and the support bundle. Hits: 0.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from hub.errors import CommandRefused
from hub.jobs.timing import day_of
from hub.signing import Scheme, signing_key
from hub.simulate.authority import Authority
from hub.simulate.mosquitto import Mosquitto
from hub.simulate.receiver import Receiver, stored
from hub.testing import wait_until
from tests.api_rig import House, order
from tests.canary_rig import (
    CUSTOMER,
    CUSTOMERS,
    MISPLACED,
    WRITTEN,
    Found,
    but,
    files,
    opened,
    record,
    search,
)
from tests.filing_rig import profile_file
from tests.foreman_rig import PHOTO, Yard, purge_order
from tests.job_rig import NOON_US, items
from tests.mqtt_rig import Listener, Speaker
from tests.outbox_rig import SECRET
from tests.test_filing_hub import PRIVATE
from tests.test_mqtt_security import PASSWORD_HASHER
from tests.test_trials import CITY, CRM

NAME, PHONE, IDENTITY = (
    MISPLACED[one] for one in ("name in a wrong place", "phone in a wrong place", "identity number")
)
WORDS: Final = WRITTEN["written freely"]
GUESSED: Final = "gashub_0123456789ab_canaryguess7Qx"
SECRETS: Final = {
    "crm": SECRET, "crm-token": "canary-token-4Zr8", "mqtt": "canary-mqtt-9Lp2", "sign": PRIVATE,
    "ssh": "canary-sftp-6Wd1",
}  # fmt: skip
MORE: Final = """
[[sink]]
name = "auth"
kind = "filing_https"
profile = "{profile}"
company = "某某燃气有限公司"
credit_code = "91110000101623741K"
division_code = "110105"
url = "{url}"
allow_plain_http = true
lan = ["127.0.0.0/8"]
signing_key = "sign"
retry_most_s = 0.2

[[sink]]
name = "county"
kind = "filing_sftp"
profile = "{county}"
company = "某某燃气有限公司"
credit_code = "91110000101623741K"
division_code = "330482"
host = "127.0.0.1"
port = 9
password = "ssh"
host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIaZhJKxyNSqGPFwh2nqvCuTnyAEnrJbsHWAOWiZGTOq"

[[link]]
name = "eye"
kind = "manual"

[[inbox]]
name = "office"
kind = "folder"
folder = "{folder}/in"
quiet_s = 0.3

[[inbox]]
name = "erp"
kind = "mqtt"
host = "127.0.0.1"
port = {port}
user = "hub"
password_secret = "mqtt"
topic = "erp/orders"
reply_topic = "erp/replies"

[log]
level = "debug"
"""
OF_CUSTOMERS: Final = {
    "entries:personal.body": "the one place for what is known of a customer; erased by itself",
}
OF_WORDS: Final = {
    "entries:job_event.body": "the answer as it was given, under the office's retention",
    "entries:event.body": "why an order was given up, as it was told",
    "entries:filing_content.body": "a filing, of which the refusal's words are a field",
    "ledger.db:parcels(filing_document).body": "the same filing, as it is sent",
}
OF_SECRETS: Final = {
    "state/pseudonym.key": "the pseudonyms' key itself, for its owner alone",
    "state/device.key": "the device key itself",
}
TO_THE_SENDER: Final = {
    "reply in the folder/*": "the sender's own value and file name, beside the sender's own file",
    "reply by topic": "the sender's own value, told back to the sender",
}
"""Where each kind of canary belongs, with the reason. Whatever is not here is a leak."""


class Town:
    """The gateway, the far sides, and everything that was said on the way."""

    def __init__(self, folder: Path, broker: Mosquitto, authority: Authority) -> None:
        self.folder = folder
        self.broker = broker
        self.authority = authority
        self.crm = Receiver(folder / "crm.jsonl").start()
        self.replies: list[bytes] = []
        for name in ("city", "in", "state"):
            (folder / name).mkdir()
        with Yard(folder / "state") as yard:
            days_ago(yard.staffed())
        text = profile_file("example_city").read_text(encoding="utf-8")
        profile = folder / "profile.toml"
        text = text.replace('every = "month"', 'every = "day"').replace("/api/v1/filings", "/f")
        profile.write_text(text, "utf-8")
        events = (
            '["verdict", "alarm", "job", "order", "hazard", "visit", "notice", "filing", "hub"]'
        )
        crm = CRM.format(name="crm", url=self.crm.url, events=events, trial="false")
        more = MORE.format(
            profile=profile, county=profile_file("example_county"), url=authority.url,
            folder=folder, port=broker.port,
        )  # fmt: skip
        self.house = House(
            folder, '"crm", "gov_filing", "filing", "manual"',
            crm.replace('secrets = ["crm"]', 'secrets = ["crm"]\ntoken = "crm-token"')
            + CITY.format(name="city", folder=folder / "city", trial="false") + more,
        )  # fmt: skip
        self.token = ""

    def start(self) -> None:
        for name in ("run", "api", "inbox"):
            self.house.start(name)
        self.token = self.house.token()

    def stop(self) -> None:
        for name in ("inbox", "api", "run"):
            self.house.stop(name)
        self.crm.stop()

    def cli(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """A command of the operator's; what it says on stderr is a log, too."""
        said = subprocess.run(
            [sys.executable, "-m", "hub", *words, "--config", str(self.house.config)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        with (self.folder / "cli.log").open("a") as log:
            log.write(said.stderr)
        return said

    def refused(self, do: str, /, **arguments: Any) -> None:
        """A request over the socket that must be refused."""
        with pytest.raises(CommandRefused):
            self.house.ask(do, **arguments)


def days_ago(yard: Yard) -> None:
    """A purge to its verdict, a leak to its hazard, and a refused visit: what a filing is about."""
    yard.photo()
    number = "2026-2001"
    yard.open(purge_order(number, customer=CUSTOMER))
    yard.step(number, "acceptance", accepted="yes", record="AR-1")
    yard.step(number, "plan", approved="yes", document="PL-1")
    yard.step(number, "arrive", consent="yes")
    yard.step(number, "site", items=items("site_residential"))
    yard.step(number, "isolation", valves="both ends closed", as_ordered="yes")
    yard.step(number, "vent_point", place="top_outdoors", photo=yard.photo())
    assert yard.hold(number, "riser_hold") == "PASS"
    yard.open(inspection("2026-3003"))
    yard.step("2026-3003", "visit", outcome="refused", refusal=WORDS, refusal_scan=yard.photo())
    yard.step("2026-3003", "refused")


def inspection(number: str, **changes: Any) -> dict[str, Any]:
    return {
        "number": number, "job": "inspection", "user_class": "residential", "sections": {},
        "facts": {"cycle": "2026-2"}, "customer": CUSTOMER, **changes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("c")
    patch = pytest.MonkeyPatch()
    for name, value in SECRETS.items():
        patch.setenv(f"GASHUB_SECRET_{name.upper().replace('-', '_')}", value)
    mq = folder / "mq"
    mq.mkdir()
    known = mq / "passwords"
    subprocess.run(
        [PASSWORD_HASHER, "-b", "-c", str(known), "hub", SECRETS["mqtt"]], check=True,
        capture_output=True,
    )  # fmt: skip
    public = signing_key(Scheme(), PRIVATE).public
    with (
        Mosquitto(mq, ["allow_anonymous false", f"password_file {known}"]) as broker,
        Authority(folder / "authority.jsonl", public=public) as authority,
    ):
        made = Town(folder, broker, authority)
        try:
            made.start()
            live(made)
            yield made
        finally:
            made.stop()
            patch.undo()


# -- what happens


def live(town: Town) -> None:
    by_http(town)
    by_folder_and_topic(town)
    by_socket_and_hand(town)
    a_hazard(town)
    a_far_side_that_says_too_much(town)
    a_filing(town)


def by_http(town: Town) -> None:
    """Good orders with a customer, and everything wrong that a program can send."""
    house, token = town.house, town.token
    house.send("PUT", "/v1/staff/T-7", {"certificates": {
        "inspection": {"number": "C-7", "until": "2099-06-30"},
    }}, token)  # fmt: skip
    digest = sha256(PHOTO).hexdigest()
    house.send("PUT", f"/v1/files/{digest}", PHOTO, token, Content_Disposition=quote(NAME))
    assert house.send("POST", "/v1/jobs", inspection("J-1"), token).status == 201
    assert house.send("POST", "/v1/orders", order("WO-1"), token).status == 201
    house.ask("order.open", number="WO-1")
    assert house.send("POST", "/v1/orders/WO-1/cancel", {"reason": WORDS}, token).status == 200
    wrong: list[tuple[str, str, Any]] = [
        ("POST", "/v1/jobs", inspection("J-2", customer={"nickname": NAME, "phone": PHONE})),
        ("POST", "/v1/jobs", inspection("J-3", customer={**CUSTOMER, "name": 5})),
        ("POST", "/v1/jobs", inspection("J-4", user_class=NAME)),
        ("POST", "/v1/jobs", inspection("J-5", facts={"cycle": "2026-2", "identity": IDENTITY})),
        ("POST", "/v1/jobs", {**purge_order("J-6", customer=CUSTOMER), "user_class": "commercial"}),
        ("POST", "/v1/orders", order("WO-2", customer=NAME)),
        ("POST", "/v1/orders", {"number": "WO-3", "procedure": NAME, "instruments": [PHONE]}),
        ("POST", "/v1/orders", f'{{"number": "WO-4", "name": "{NAME}'.encode()),
        ("POST", "/v1/orders/WO-1/cancel", {"reason": "x", "phone": PHONE}),
        ("PUT", "/v1/staff/T-8", {"name": NAME, "identity": IDENTITY}),
        ("PUT", f"/v1/staff/{quote(NAME)}", {"certificates": {}}),
        ("PUT", "/v1/instruments/pm-9", {"quantity": NAME}),
        ("PUT", f"/v1/files/{'a' * 64}", NAME.encode()),
        ("GET", f"/v1/orders/{quote(NAME)}", None),
        ("GET", f"/v1/verdicts?order={PHONE}&cursor={IDENTITY}", None),
        ("GET", f"/v1/{quote(NAME)}", None),
    ]
    for method, path, body in wrong:
        said = house.send(method, path, body, token)
        assert 400 <= said.status < 500 or (path.startswith("/v1/verdicts")), (path, said)
    assert house.send("GET", "/v1/orders", token=GUESSED).status == 401
    assert house.send("GET", "/v1/orders", token=token[:-1]).status == 401


def by_folder_and_topic(town: Town) -> None:
    """Good and bad rows; a file whose name is somebody's; messages that break off."""
    house = town.house
    rows = (
        "number,procedure,medium,p_operating_pa,customer,instruments\n"
        f"C-1,indoor_hold,air,,{NAME},pm-1:pressure\nC-2,{NAME},air,{PHONE},,pm-1:{IDENTITY}\n"
    )
    for name, data in (
        ("a.csv", rows.encode()),
        ("b.json", json.dumps([inspection("F-1"), inspection("F-2", watch=NAME)]).encode()),
        ("c.json", f'[{{"number": "F-3", "customer": {{"phone": "{PHONE}'.encode()),
        (f"{NAME}-{PHONE}.pdf", NAME.encode()),
        (f"{NAME * 26}.csv", b"number\n"),
    ):
        part = town.folder / "in" / "new.part"
        part.write_bytes(data)
        part.rename(town.folder / "in" / name)
    login = {"user": "hub", "password": SECRETS["mqtt"]}
    with (
        Listener(town.broker.port, "erp/replies", **login) as heard,
        Speaker(town.broker.port, **login) as speaker,
    ):

        def taken() -> bool:
            speaker.say(json.dumps(inspection("M-1")).encode(), topic="erp/orders")
            return bool(house.rows("SELECT 1 FROM jobs WHERE number='M-1'"))

        wait_until(taken, "a job by topic", within_s=30)
        speaker.say(
            f'{{"number": "M-2", "customer": {{"name": "{NAME}'.encode(),
            json.dumps(inspection("M-3", customer={"nickname": NAME})).encode(),
            json.dumps(order("M-4", trial=PHONE)).encode(),
            topic="erp/orders",
        )  # fmt: skip
        wait_until(lambda: len({*heard.heard}) >= 4, "an answer to each")
        town.replies = list(heard.heard)
    still = town.folder / "in"
    wait_until(lambda: not [one for one in still.iterdir() if one.is_file()], "the folder", 40)


def by_socket_and_hand(town: Town) -> None:
    """Requests of no use, steps that are refused, and a photo with a name."""
    house = town.house
    for text in (f'{{"number": "{NAME}', json.dumps({"id": "T-9", "name": NAME})):
        town.refused("order.add", text=text)
        town.refused("staff.put", text=text)
    town.refused("job.do", number="J-1", step="visit", by=NAME, answers={})
    town.refused("job.signal", number="J-1", signal=NAME, by="T-7")
    town.refused("order.abort", number=NAME)
    done = house.ask("job.do", number="J-1", step="enter", by="T-7", answers={"reason": PHONE})
    assert not done["done"]
    eye = {**order("E-1", "hold"), "source": "manual"}
    eye["steps"][0]["tests"][0] = {**eye["steps"][0]["tests"][0], "source": "manual"}
    house.ask("order.add", text=json.dumps({key: eye[key] for key in ("number", "steps")}))
    house.ask("order.open", number="E-1")
    photo = town.folder / f"{NAME}-{IDENTITY}.jpg"
    photo.write_bytes(PHOTO)
    said = town.cli(
        "order", "reading", "E-1", "--instrument", "pm-1", "--value", "50", "--unit", "mmH2O",
        "--operator", "T-7", "--photo", str(photo),
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    photo.unlink()
    house.ask("order.abort", number="E-1", reason=WORDS)


def a_hazard(town: Town) -> None:
    house = town.house
    for step, answers in (
        ("visit", {"outcome": "entered", "consent": "yes"}),
        ("enter", {}),
        ("leak_check", {"result": "leak", "photo": sha256(PHOTO).hexdigest()}),
    ):
        did = house.ask("job.do", number="J-1", step=step, by="T-7", answers=answers)
        assert did["done"], did


def a_far_side_that_says_too_much(town: Town) -> None:
    """A refusal and an error page with a customer's data in them, and lost replies."""
    faults, house = town.crm.faults, town.house
    for at, (status, page) in enumerate(((422, NAME), (500, f"<html>{PHONE}"), (409, IDENTITY))):
        faults.page, faults.answers = page, [status]
        house.ask("order.add", text=json.dumps(order(f"X-{at}")))
        wait_until(lambda: not faults.answers, "the answer was used")
        faults.page = ""
    faults.cut = 0.3
    house.ask("order.abort", number="X-0", reason=WORDS)
    faults.cut = 0


def a_filing(town: Town) -> None:
    """By the command line, from its draft to the receipt."""

    def said(*words: str) -> Any:
        done = town.cli("filing", *words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    made = said("draft", "auth", "--period", day_of(NOON_US).isoformat(), "--by", "T-1")
    said("approve", made["filing"], "--by", "S-1", "--digest", made["digest"][:8])
    said("submit", made["filing"], "--by", "S-1")
    wait_until(lambda: said("show", made["filing"])["state"] == "accepted", "the receipt", 30)
    waiting = "SELECT 1 FROM parcels WHERE state='waiting'"
    wait_until(lambda: not town.house.rows(waiting), "every delivery's end", 40)


# -- what is searched


def logs(town: Town) -> Iterator[tuple[str, bytes]]:
    for name in ("run", "api", "inbox", "cli"):
        yield f"{name}.log", (town.folder / f"{name}.log").read_bytes()


def events(town: Town) -> Iterator[tuple[str, bytes]]:
    """Whatever left the gateway: events with their headers, replies, filed rows."""
    for one in stored(town.crm.file):
        headers = {name: text for name, text in one.headers.items() if name != "authorization"}
        yield "event", one.body + json.dumps(headers).encode()
    for reply in town.replies:
        yield "reply by topic", reply
    yield from files(town.folder / "in" / "replies", "reply in the folder")
    yield from files(town.folder / "city", "city")


def bundle(town: Town) -> Iterator[tuple[str, bytes]]:
    """The support bundle, with the log of everything."""
    everything = town.folder / "all.log"
    everything.write_bytes(b"".join(data for _, data in logs(town)))
    file = town.folder / "support.zip"
    file.unlink(missing_ok=True)
    said = town.cli("doctor", "--bundle", str(file), "--log", str(everything))
    assert file.exists(), said.stderr
    yield from opened("bundle", file.read_bytes())


def secrets_of(town: Town) -> dict[str, str | bytes]:
    state = town.house.state
    return {
        **SECRETS, "API token": town.token, "half of it": town.token.rpartition("_")[2],
        "guessed token": GUESSED.rpartition("_")[2],
        "pseudonym key": (state / "pseudonym.key").read_bytes().strip(),
        "device key": (state / "device.key").read_bytes().splitlines()[1],
    }  # fmt: skip


def test_what_came_in_went_its_way(town: Town) -> None:
    """Else nothing could be found anywhere: verdicts, hazard, filing, refusals, error paths."""
    kinds = {json.loads(one.body)["type"].split(".")[1] for one in stored(town.crm.file)}
    assert kinds >= {"verdict", "order", "job", "hazard", "visit", "filing", "hub"}
    assert len(list((town.folder / "in" / "replies").iterdir())) == 5
    assert {one.place for one in search(CUSTOMER, record(town.house.state))} >= set(OF_CUSTOMERS)
    assert {one.place for one in search(WRITTEN, record(town.house.state))} == set(OF_WORDS)
    assert {state for (state,) in town.house.rows("SELECT DISTINCT state FROM parcels")} >= {
        "taken", "refused",
    }  # fmt: skip


@pytest.mark.parametrize("where", [logs, events, bundle], ids=lambda one: one.__name__)
def test_nothing_of_anybody_is_in(town: Town, where: Any) -> None:
    """No line of a log, no event or reply, no file of the support bundle."""
    canaries = {**CUSTOMERS, **WRITTEN, **secrets_of(town)}
    assert but(search(canaries, where(town)), {}) == []
    assert but(search(MISPLACED, where(town)), TO_THE_SENDER) == []


def test_the_record_has_each_kind_of_data_in_its_place_alone(town: Town) -> None:
    """Every table and column, every kind of entry."""
    state = town.house.state
    assert but(search(CUSTOMERS, record(state)), OF_CUSTOMERS) == []
    assert but(search(MISPLACED, record(state)), {}) == []
    assert but(search(WRITTEN, record(state)), OF_WORDS) == []
    assert but(search(secrets_of(town), record(state)), {}) == []


def test_a_filing_masks_the_customer(town: Town) -> None:
    """As its template says: what the authority was sent has no whole name, number or address."""
    sent = [("filing", town.authority.file.read_bytes())]
    assert but(search({**CUSTOMERS, **MISPLACED, **secrets_of(town)}, sent), {}) == []
    assert search(WRITTEN, sent), "the refusal itself is in it"


def test_no_file_of_the_gateway_has_a_secret(town: Town) -> None:
    """The state folder byte by byte, free pages and journal as well, and the configuration."""
    places = [*files(town.house.state, "state"), *opened("config", town.house.config.read_bytes())]
    assert but(search(secrets_of(town), places), OF_SECRETS) == []


def test_a_leak_would_be_found(town: Town, tmp_path: Path) -> None:
    """Planted in a log, an event, a column, an entry, and a bundle: each is named."""
    escaped = json.dumps({"why": NAME}).encode()
    assert search(MISPLACED, [("run.log", b'{"event": "x"}\n' + escaped)]) == {
        Found("name in a wrong place", "run.log")
    }
    with Yard(tmp_path) as yard:
        with yard.ledger.transaction() as tx:
            tx.append("notice", {"detail": PHONE, "more": "x" * 5000}, yard.clock.now_us())
            tx.sql.execute("INSERT INTO hub_state (key, value) VALUES ('x', ?)", (IDENTITY,))
        hits = but(search(MISPLACED, record(tmp_path)), OF_CUSTOMERS)
        key = (tmp_path / "device.key").read_bytes().splitlines()[1]
    assert hits == [
        Found("identity number", "ledger.db:hub_state.value"),
        Found("phone in a wrong place", "entries:notice.body"),
    ]
    (tmp_path / "copy.zip").write_bytes(b"")
    (tmp_path / "copied").write_bytes(b"x" + key)
    found = but(search({"device key": key}, files(tmp_path, "state")), OF_SECRETS)
    assert found == [Found("device key", "state/copied")]
