"""Sends events to a receiver as a gateway does, and says what is wrong with its answers.

    python3 check.py URL SECRET [GOLDEN]

SECRET is the receiver's, `whsec_` and base64; `python3 check.py secret` makes one. GOLDEN is the
folder of golden events, `golden` beside this file when it is left out. Exit 1 when something is
wrong, 2 when nothing could be tried. Needs nothing but Python 3.9 or newer.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

WITHIN_S = 15


class Answer(NamedTuple):
    status: int
    kind: str
    body: bytes
    took_s: float

    @property
    def receipt(self) -> str:
        try:
            said = json.loads(self.body)
        except ValueError:
            return ""
        return str(said.get("receipt") or said.get("id") or "") if isinstance(said, dict) else ""


class Sender:
    """A gateway's side of it."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self.secret = secret

    def sign(self, key: str, at_s: int, body: bytes, secret: str = "") -> str:
        mac_key = key_of(secret or self.secret)
        signed = f"{key}.{at_s}.".encode() + body
        mac = hmac.new(mac_key, signed, hashlib.sha256).digest()
        return f"v1,{base64.b64encode(mac).decode()}"

    def send(self, key: str, body: bytes, **other: str) -> Answer:
        """Post *body*; `other` are headers that differ from the right ones, "" leaves one out."""
        at_s = int(time.time())
        headers = {
            "content-type": "application/cloudevents+json",
            "idempotency-key": key,
            "webhook-id": key,
            "webhook-timestamp": str(at_s),
            "webhook-signature": self.sign(key, at_s, body),
        }
        headers.update({name.replace("_", "-"): value for name, value in other.items()})
        given = {name: value for name, value in headers.items() if value}
        request = urllib.request.Request(self.url, body, given, method="POST")  # noqa: S310
        began_s = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                told = answer.status, answer.headers.get_content_type(), answer.read()
        except urllib.error.HTTPError as refusal:
            told = refusal.code, refusal.headers.get_content_type(), refusal.read()
        except (OSError, http.client.HTTPException) as fault:
            why = getattr(fault, "reason", fault)
            stop(f"{self.url}: no answer ({why}); does the receiver run, and is this its address?")
        return Answer(*told, time.monotonic() - began_s)


def stop(why: str) -> NoReturn:
    """End, since nothing more can be tried."""
    sys.stderr.write(f"check.py: {why}\n")
    sys.exit(2)


def key_of(secret: str) -> bytes:
    """The key that a secret stands for."""
    try:
        key = base64.b64decode(secret[len("whsec_") :], validate=True)
    except ValueError:
        key = b""
    if not secret.startswith("whsec_") or not key:
        stop("the secret is no `whsec_` with base64 after it; `check.py secret` makes one")
    return key


class Report:
    def __init__(self) -> None:
        self.wrong = 0

    def say(self, what: str, good: bool, got: object, do: str) -> None:
        self.wrong += not good
        line = f"ok     {what}" if good else f"WRONG  {what}\n       got {got}; {do}"
        sys.stdout.write(line + "\n")


def check(url: str, secret: str, golden: Path) -> int:
    """Try everything; returns how much is wrong."""
    sender, report = Sender(url, secret), Report()
    files = sorted(golden.rglob("*.json"))
    if not files:
        stop(f"no golden events under {golden}")
    run = uuid.uuid4().hex[:8]  # so that a second run is not all repeats
    _takes(sender, report, files, run)
    _refuses(sender, report, files[0].read_bytes(), run)
    _grows(sender, report, json.loads(files[0].read_bytes()), run)
    sys.stdout.write(f"{report.wrong} wrong\n")
    return report.wrong


def _takes(sender: Sender, report: Report, files: "list[Path]", run: str) -> None:
    for file in files:
        body, key = file.read_bytes(), f"{run}-{file.stem}"
        first, again = sender.send(key, body), sender.send(key, body)
        report.say(
            f"takes {file.stem}", _good(first), first,
            "answer 2xx with your receipt, as JSON, once the event is committed",
        )  # fmt: skip
        report.say(
            f"takes {file.stem} again as the same",
            _good(again) and again.receipt == first.receipt, again,
            "look up idempotency-key; for a known one answer as the first time",
        )  # fmt: skip
    body, key = files[0].read_bytes(), f"{run}-at-once"
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: sender.send(key, body), range(5)))
    receipts = {one.receipt for one in answers if one.status < 300}
    report.say(
        "takes five at once as one", len(receipts) == 1, answers,
        "store key and event in one transaction, with the key unique",
    )  # fmt: skip
    slowest = max(one.took_s for one in answers)
    report.say(
        f"answers within {WITHIN_S} s", slowest < WITHIN_S, f"{slowest:.1f} s",
        "store the event, answer, and do the work afterwards",
    )  # fmt: skip


def _refuses(sender: Sender, report: Report, body: bytes, run: str) -> None:
    def refused(what: str, answer: Answer, do: str) -> None:
        report.say(f"refuses {what}", answer.status in (401, 403), answer, do)

    now_s, other = int(time.time()), "whsec_" + base64.b64encode(b"x" * 32).decode()
    key = f"{run}-bad"
    ours, theirs = sender.sign(key, now_s, body), sender.sign(key, now_s, body, other)
    at = str(now_s)
    verify = "verify HMAC-SHA256 over id.timestamp.body, and answer 401"
    refused(
        "another secret", sender.send(key, body, webhook_timestamp=at, webhook_signature=theirs),
        verify,
    )  # fmt: skip
    bent = body.replace(b"gw-7", b"gw-8")
    refused(
        "a changed body", sender.send(key, bent, webhook_timestamp=at, webhook_signature=ours),
        "verify over the raw bytes, before you parse them",
    )  # fmt: skip
    refused(
        "another id",
        sender.send(key, body, webhook_id="x", webhook_timestamp=at, webhook_signature=ours),
        verify,
    )
    for what, off_s in (("six minutes ago", -360), ("in six minutes", 360)):
        then_s = now_s + off_s
        answer = sender.send(
            key, body, webhook_timestamp=str(then_s),
            webhook_signature=sender.sign(key, then_s, body),
        )  # fmt: skip
        refused(f"a signature of {what}", answer, "compare webhook-timestamp with your clock")
    refused("no signature", sender.send(key, body, webhook_signature=""), verify)
    refused("a signature that is none", sender.send(key, body, webhook_signature="v1,!!!!"), verify)
    answer = sender.send(
        f"{run}-two", body, webhook_timestamp=at,
        webhook_signature=f"{sender.sign(f'{run}-two', now_s, body, other)} "
        f"{sender.sign(f'{run}-two', now_s, body)}",
    )  # fmt: skip
    report.say(
        "takes two signatures, of which one is yours", _good(answer), answer,
        "try each signature of the header: two come while a secret is changed",
    )  # fmt: skip
    answer = sender.send(f"{run}-text", b"no event")
    report.say(
        "refuses what is no JSON", 400 <= answer.status < 500, answer,
        "answer 400: it would be sent again and again",
    )  # fmt: skip


def _grows(sender: Sender, report: Report, event: "dict[str, Any]", run: str) -> None:
    event["laterattribute"], event["data"]["later_field"] = "x", {"a": 1}
    answer = sender.send(f"{run}-field", json.dumps(event).encode())
    report.say(
        "takes fields that it does not know", _good(answer), answer,
        "let unknown fields pass: the contract grows by them",
    )  # fmt: skip
    event["type"] = "gashub.later.v1"
    answer = sender.send(f"{run}-type", json.dumps(event).encode())
    report.say(
        "takes types that it does not know", _good(answer), answer,
        "store and leave them, or ask the gateway's operator for fewer kinds",
    )  # fmt: skip


def _good(answer: Answer) -> bool:
    return 200 <= answer.status < 300 and "html" not in answer.kind and bool(answer.receipt)


if __name__ == "__main__":
    if sys.argv[1:] == ["secret"]:
        sys.stdout.write(f"whsec_{base64.b64encode(os.urandom(32)).decode()}\n")
        sys.exit()
    if len(sys.argv) < 3:
        sys.stderr.write(str(__doc__))
        sys.exit(2)
    beside = Path(__file__).with_name("golden")
    given = Path(sys.argv[3]) if len(sys.argv) > 3 else beside
    sys.exit(1 if check(sys.argv[1], sys.argv[2], given) else 0)
