"""The CRM sink: routes, a mapping file, a change of secrets, and networks that must be named."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from hub.errors import ConfigError, SinkPaused
from hub.model import Parcel, Site
from hub.simulate.receiver import Receiver, Request, stored
from hub.testing import HandClock
from plugins.crm.settings import CrmSettings
from plugins.crm.sink import Crm
from tests.golden_events import GOLDEN
from tests.outbox_rig import LOOPBACK

OLD, NEW = ("whsec_" + base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
MAPPING = """
[verdict]
no = "data.order"
result = { from = "data.verdict.verdict", words = { PASS = "P", FAIL = "F", INCONCLUSIVE = "I",
    ABORTED = "A" } }
""".replace(",\n    ", ", ")


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "crm.jsonl") as made:
        yield made


def parcel(name: str) -> Parcel:
    body = (GOLDEN / "1.0.0" / f"{name}.json").read_bytes()
    event = json.loads(body)
    kind = event["type"].split(".")[1]
    return Parcel(name, "crm", f"{event['id']}-crm", event.get("subject", ""), kind, body, 0)


def sent(receiver: Receiver, *names: str, **given: object) -> list[Request]:
    """What arrives when these golden events are delivered by a sink of these settings."""
    secrets = {"old": OLD, "new": NEW}
    settings = CrmSettings.model_validate(
        {
            "url": receiver.url,
            "secrets": ("old",),
            "allow_plain_http": True,
            "lan": LOOPBACK,
            "retry_most_s": 1,
            **given,
        }
    )
    sink = Crm("crm", settings, Site("gw", HandClock(), secrets.__getitem__))
    sink.open()
    try:
        delivery = sink.deliver([parcel(name) for name in names], names[0])
    finally:
        sink.close()
    assert set(delivery.taken) == set(names), delivery
    return list(stored(receiver.file))


# -- routes


def test_a_kind_with_a_route_goes_there_and_the_others_do_not(
    receiver: Receiver, tmp_path: Path
) -> None:
    """Each address has its connection; signature and key are as everywhere."""
    with Receiver(tmp_path / "hazards.jsonl") as hazards:
        sent(
            receiver,
            "verdict-pass",
            "hazard-opened",
            "order-accepted",
            routes={"hazard": hazards.url},
        )
        (hazard,) = stored(hazards.file)

    assert [json.loads(one.body)["type"] for one in stored(receiver.file)] == [
        "gashub.verdict.v1",
        "gashub.order.v1",
    ]
    assert json.loads(hazard.body)["type"] == "gashub.hazard.v1"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"routes": {"hazards": "https://crm.example/"}}, "hazard"),
        ({"routes": {"hazard": "http://crm.example/"}}, r"routes\.hazard must begin with https"),
        ({"routes": {"instrument": "https://crm.example/"}}, "does not take instrument"),
        ({"events": ["verdicts"]}, "verdict"),
        ({"lan": ["0.0.0.0/0"]}, "too wide"),
        ({"secrets": ("a", "a")}, "the same secret twice"),
    ],
)
def test_settings_that_would_lose_an_event_are_refused(given: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        CrmSettings.model_validate({"url": "https://crm.example/", "secrets": ("a",), **given})


# -- mapping


def test_a_mapped_body_goes_out_signed_with_the_event_in_its_headers(
    receiver: Receiver, tmp_path: Path
) -> None:
    """What the body no longer says stands in CloudEvents' own headers, and the head as well."""
    file = tmp_path / "mapping.toml"
    file.write_text(MAPPING)
    verdict, order = sent(receiver, "verdict-inconclusive", "order-accepted", mapping=file)
    event = json.loads(parcel("verdict-inconclusive").body)
    head = event["data"]["ledger"]

    assert json.loads(verdict.body) == {"no": event["data"]["order"], "result": "I"}
    assert verdict.headers["content-type"] == "application/json"
    assert verdict.headers["ce-type"] == "gashub.verdict.v1"
    assert verdict.headers["ce-id"] == event["id"]
    assert verdict.headers["gashub-ledger-head"] == f"{head['size']} {head['root']}"
    Webhook(OLD).verify(verdict.body, verdict.headers, json_parse=False)
    assert order.body == parcel("order-accepted").body


def test_a_mapping_that_makes_a_success_of_no_pass_stops_the_start(tmp_path: Path) -> None:
    """The config is refused with the file's name; nothing was built that could send it."""
    file = tmp_path / "mapping.toml"
    file.write_text(MAPPING.replace('"I"', '"P"'))
    settings = CrmSettings(url="https://crm.example/", secrets=("old",), mapping=file)

    with pytest.raises(ConfigError, match=r"mapping\.toml.*INCONCLUSIVE becomes 'P'"):
        Crm("crm", settings, Site("gw", HandClock(), lambda _: OLD))


# -- secrets


def test_a_secret_is_changed_without_an_event_that_either_side_refuses(
    receiver: Receiver,
) -> None:
    """Old alone, both at once, new alone: the receiver may change over while both are sent."""
    sent(receiver, "verdict-pass", secrets=("old",))
    sent(receiver, "verdict-fail", secrets=("new", "old"))
    before, during, after = sent(receiver, "verdict-aborted", secrets=("new",))

    def signed_by(secret: str, one: Request) -> bool:
        try:
            Webhook(secret).verify(one.body, one.headers, json_parse=False)
        except WebhookVerificationError:
            return False
        return True

    assert [signed_by(OLD, one) for one in (before, during, after)] == [True, True, False]
    assert [signed_by(NEW, one) for one in (before, during, after)] == [False, True, True]
    assert len(during.headers["webhook-signature"].split()) == 2


# -- where it may go


def test_a_crm_in_the_companys_network_must_be_named(receiver: Receiver) -> None:
    """The channel pauses and says which setting; not a byte goes out."""
    with pytest.raises(SinkPaused, match="`lan`"):
        sent(receiver, "verdict-pass", lan=())
    with pytest.raises(SinkPaused, match="`lan`"):
        sent(receiver, "verdict-pass", lan=["10.0.0.0/8"])

    assert list(stored(receiver.file)) == []
