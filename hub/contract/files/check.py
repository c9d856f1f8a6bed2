"""Sends events to a receiver as a gateway does, and says what is wrong with its answers.

    python3 check.py URL SECRET [GOLDEN] [--token TOKEN] [--restart]

SECRET is the receiver's, `whsec_` and base64; `python3 check.py secret` makes one. GOLDEN is the
folder of golden events, `golden` beside this file when it is left out. TOKEN is sent as
`authorization: Bearer TOKEN`, where one was agreed. With --restart it waits for Enter at the end:
kill the receiver (kill -9, no orderly stop) and start it again before; it must still know all.
Proxies are not asked, and redirects are not followed: a gateway does neither. SSL_CERT_FILE names
the roots of a company's own.

Exit 1 when something is wrong, 2 when nothing could be tried. What it sends stays in the receiver,
so let it be one for tests. Needs nothing but Python 3.9 or newer.
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from urllib.parse import SplitResult, urlsplit

WITHIN_S = 15
SLOW = f"no whole answer within {WITHIN_S} s"
LARGEST_ANSWER_BYTES = 65_536
MOST_UNANSWERED = 3
OTHERS = 300
LARGEST_BODY_BYTES = 1_048_576
NEVER = (400, 404, 405, 410, 412, 413, 415, 422)
WEB_PAGES = ("text/html", "application/xhtml+xml")


class Answer(NamedTuple):
    """What came back. `fault` says why a gateway could do nothing with it; empty: it could."""

    status: int
    kind: str
    headers: "dict[str, str]"
    body: bytes
    fault: str

    @property
    def said(self) -> "dict[str, Any]":
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def receipt(self) -> str:
        for one in (self.said.get("receipt"), self.said.get("id")):
            if isinstance(one, (str, int)) and not isinstance(one, bool) and str(one):
                return str(one)
        return self.headers.get("webhook-receipt", "")

    @property
    def takes(self) -> bool:
        """A gateway takes the event as delivered, and has a receipt for it."""
        return (
            not self.fault
            and 200 <= self.status < 300
            and self.kind not in WEB_PAGES
            and bool(self.receipt)
        )

    def repeats(self, first: "Answer", key: str) -> bool:
        """It says that the event of *key* is there already, as the *first* answer had it."""
        if self.status == 409 and not self.fault:
            named = (
                self.headers.get("idempotency-key"),
                self.said.get("key"),
                self.said.get("idempotency_key"),
            )
            return key in named and self.receipt in ("", first.receipt)
        return self.takes and self.receipt == first.receipt

    def __str__(self) -> str:
        if self.fault:
            return self.fault
        said = self.body[:120].decode(errors="replace")
        return f"{self.status} {self.kind} {said!r}"


class Enough(Exception):
    """The receiver answers no more: there is no use in going on."""


class Sender:
    """A gateway's side of it."""

    def __init__(self, url: str, secret: str, token: str = "") -> None:
        self.url, self.secret, self.token = url, secret, token
        self._to = _address(url)
        self._answered, self._unanswered = False, 0

    def sign(self, key: str, at_s: "int | str", body: bytes, secret: str = "") -> str:
        signed = f"{key}.{at_s}.".encode() + body
        mac = hmac.new(key_of(secret or self.secret), signed, hashlib.sha256).digest()
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
            "authorization": f"Bearer {self.token}" if self.token else "",
        }
        headers.update({name.replace("_", "-"): value for name, value in other.items()})
        answer = self._post({name: value for name, value in headers.items() if value}, body)
        self._unanswered = 0 if answer.status else self._unanswered + 1
        if self._unanswered >= MOST_UNANSWERED:
            raise Enough(str(answer))
        return answer

    def _post(self, headers: "dict[str, str]", body: bytes) -> Answer:
        to, late = self._to, threading.Event()
        kind = http.client.HTTPSConnection if to.scheme == "https" else http.client.HTTPConnection
        connection = kind(str(to.hostname), to.port, timeout=WITHIN_S)
        path = (to.path or "/") + (f"?{to.query}" if to.query else "")
        try:
            connection.connect()
        except OSError as fault:
            if not self._answered:
                stop(f"{self.url}: no answer ({fault}); does the receiver run there?")
            return Answer(0, "", {}, b"", f"no connection ({fault})")
        self._answered = True
        timer = threading.Timer(WITHIN_S, _hang_up, (connection.sock, late))
        timer.daemon = True
        timer.start()
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            text = answer.read(LARGEST_ANSWER_BYTES + 1)
            short = answer.length not in (None, 0) and len(text) <= LARGEST_ANSWER_BYTES
        except (OSError, http.client.HTTPException) as fault:
            why = f"half an answer, or none ({fault!r})"
            return Answer(0, "", {}, b"", SLOW if late.is_set() else why)
        finally:
            timer.cancel()
            connection.close()
        if late.is_set():
            return Answer(0, "", {}, b"", SLOW)
        wrong = "half an answer: shorter than its content-length" if short else ""
        if len(text) > LARGEST_ANSWER_BYTES:
            wrong = f"an answer of more than {LARGEST_ANSWER_BYTES} bytes"
        elif 300 <= answer.status < 400:
            wrong = f"{answer.status}, a redirect, which a gateway does not follow"
        told = {name.lower(): value for name, value in answer.getheaders()}
        media = answer.headers.get_content_type() if "content-type" in told else ""
        return Answer(answer.status, media, told, text, wrong)


def _address(url: str) -> SplitResult:
    try:
        to = urlsplit(url)
        whole = bool(to.hostname) and to.port != 0
    except ValueError:
        to, whole = urlsplit(""), False
    if not whole or not re.fullmatch(r"https?://[!-~]+", url):
        stop(f"{url!r} is no address such as http://127.0.0.1:8800/")
    return to


def _hang_up(sock: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):  # it was over just now
        sock.shutdown(socket.SHUT_RDWR)


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
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        stop("the secret is no `whsec_` and base64 of 24 to 64 bytes; `check.py secret` makes one")
    return key


def bent(signature: str, byte: int) -> str:
    """The same but for one bit of one *byte* of the MAC."""
    mac = bytearray(base64.b64decode(signature[len("v1,") :]))
    mac[byte] ^= 1
    return f"v1,{base64.b64encode(mac).decode()}"


class Golden(NamedTuple):
    """A golden event: `name` is its version and file, `body` its bytes."""

    name: str
    event: "dict[str, Any]"
    body: bytes

    @property
    def turn(self) -> "tuple[list[int], int, str]":
        """A gateway sends in this order: that of its ledger."""
        version = re.findall(r"\d+", self.name.partition("/")[0])
        return [*map(int, version)], int(self.event["data"]["ledger"]["size"]), self.name


def golden_of(folder: Path) -> "list[Golden]":
    found = []
    for file in folder.rglob("*.json"):
        try:
            body = file.read_bytes()
            event = json.loads(body)
            version = event.get("contractversion", file.parent.name)
            one = Golden(f"{version}/{file.stem}", event, body)
            one.turn  # noqa: B018  whether it has one
            event["id"].strip("x")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
            stop(f"{file} is no golden event ({fault!r}); write the kit again")
        found.append(one)
    if not found:
        stop(f"no golden events under {folder}")
    return sorted(found, key=lambda one: one.turn)


def ulid() -> str:
    """A new id, of the form that a gateway's events have."""
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(letters[number >> shift & 31] for shift in range(125, -1, -5))


class Check:
    """Everything that is tried with one receiver."""

    def __init__(self, sender: Sender, golden: "list[Golden]", restart: bool) -> None:
        self.sender = sender
        self.restart = restart
        self.wrong = 0
        self.golden = golden
        self.run = os.urandom(4).hex()  # so that a second run is not all repeats
        self.taken: dict[str, tuple[Golden, Answer]] = {}
        """By its key, what was taken, with the first answer."""

    def all(self) -> int:
        """Try everything; returns how much is wrong."""
        try:
            if self.takes():
                self.refuses()
                self.grows()
                self.remembers()
        except Enough as fault:
            self.say(
                "goes on answering", False, f"{fault}, {MOST_UNANSWERED} times running",
                "store the event, answer, and do the work afterwards; the rest is not tried",
            )  # fmt: skip
        sys.stdout.write(f"{self.wrong} wrong\n")
        return self.wrong

    def say(self, what: str, good: bool, got: object, do: str) -> None:
        self.wrong += not good
        line = f"ok     {what}" if good else f"WRONG  {what}\n       got {got}; {do}"
        sys.stdout.write(line + "\n")

    def key(self, id_: str) -> str:
        """As a gateway makes it: the event's id, `-`, and the name of a sink."""
        return f"{id_}-check{self.run}"

    def another(self, **more: object) -> "tuple[str, bytes]":
        """Key and body of an event that nobody has had: the first golden one with a new id."""
        event: dict[str, Any] = {**self.golden[0].event, "id": ulid(), **more}
        text = json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return self.key(event["id"]), text.encode()

    def takes(self) -> bool:
        """Whether there is any use in going on."""
        say = self.say
        for one in self.golden:
            key = f"{self.key(one.event['id'])}-{one.name.partition('/')[0]}"
            first = self.sender.send(key, one.body)
            lost = not self.taken and first.status in (401, 403)
            say(
                f"takes {one.name}", first.takes, first,
                "is it the same secret (and token) on both sides? Is HMAC-SHA256 made over "
                "id.timestamp.body, and compared as base64 (vectors.json)? The rest is not tried"
                if lost else "answer 2xx with your receipt, once the event is committed",
            )  # fmt: skip
            if lost:
                return False
            again = self.sender.send(key, one.body)
            say(
                f"takes {one.name} again as the same", first.takes and again.repeats(first, key),
                again, "look up idempotency-key; for a known one answer as the first time",
            )  # fmt: skip
            if first.takes:
                self.taken[key] = one, first
        receipts = [first.receipt for _, first in self.taken.values()]
        twice = sorted({one for one in receipts if receipts.count(one) > 1})
        say(
            "gives each event a receipt of its own", not twice, f"{twice[:3]} more than once",
            "let the receipt name what you have stored for this key",
        )  # fmt: skip
        key, body = self.another()
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: self.sender.send(key, body), range(5)))
        took = next((one for one in answers if one.takes), answers[0])
        as_one = all(one.repeats(took, key) or one.status in (409, 425) for one in answers)
        say(
            "takes five at once as one", took.takes and as_one, ", ".join(map(str, answers)),
            "store key and event in one transaction, with the key unique",
        )  # fmt: skip
        return bool(self.taken)

    def refuses(self) -> None:
        send, sign, now_s = self.sender.send, self.sender.sign, int(time.time())
        key, body = self.another()

        def refused(what: str, answer: Answer, do: str) -> None:
            good = not answer.fault and answer.status in (401, 403)
            self.say(f"refuses {what}", good, answer, do)

        def signed(text: bytes, by: str, at: str = str(now_s), **more: str) -> Answer:
            return send(key, text, webhook_signature=by, webhook_timestamp=at, **more)

        other = "whsec_" + base64.b64encode(b"x" * 32).decode()
        theirs, ours = sign(key, now_s, body, other), sign(key, now_s, body)
        verify = "verify HMAC-SHA256 over id.timestamp.body, and answer 401"
        whole = "compare all 32 bytes of the MAC, each version v1 in the header by itself"
        for what, text, signature, do in (
            ("another secret", body, theirs, verify),
            ("a changed body", body[:-1] + b" }", ours, "verify the raw bytes, before you parse"),
            ("two signatures, of which none is yours", body, f"{theirs} {bent(ours, 0)}", whole),
            ("a signature with its last bit changed", body, bent(ours, -1), whole),
            ("a signature with a bit of its middle changed", body, bent(ours, 16), whole),
            ("a version of signature that it cannot know", body, f"v2{ours[2:]}", whole),
            ("no signature", body, "", verify),
            ("a signature that is none", body, "v1,!!!!", verify),
        ):
            refused(what, signed(text, signature), do)
        refused("another id", signed(body, ours, webhook_id="x"), verify)
        clock = "compare webhook-timestamp with your clock (is that right?): five minutes at most"
        off = {"310 s ago": f"{now_s - 310}", "in 310 s": f"{now_s + 310}", "no time": "1" * 5000}
        for what, at in off.items():
            refused(f"a signature of {what}", signed(body, sign(key, at, body), at), clock)
        if self.sender.token:
            for what, given in (("another token", f"Bearer {self.sender.token}x"), ("none", "")):
                refused(f"{what} in place of the token", send(key, body, authorization=given),
                        "compare the whole token, beside the signature")  # fmt: skip
        known, (golden, first) = next(iter(self.taken.items()))
        replayed = send(known, golden.body, idempotency_key=self.key(ulid()))
        good = replayed.status in (400, 401, 403) or replayed.repeats(first, known)
        self.say(
            "refuses a known event under a new idempotency-key", good and not replayed.fault,
            replayed, "only webhook-id is signed: answer 401 where idempotency-key is another, "
            "or look events up by webhook-id",
        )  # fmt: skip
        answer = signed(body, f"{theirs} {ours}")
        self.say(
            "takes two signatures, of which one is yours", answer.takes, answer,
            "try each signature of the header: two come while a secret is changed",
        )  # fmt: skip
        for what, text in (("no JSON", b"no event"), ("half of a JSON", b'{"specversion":')):
            answer = send(self.key(ulid()), text)
            self.say(
                f"refuses what is {what}", not answer.fault and answer.status in NEVER, answer,
                "answer 400: it would be sent again and again",
            )  # fmt: skip

    def grows(self) -> None:
        data = self.golden[0].event["data"]
        empty = len(self.another(data={**data, "later_field": ""})[1])
        filled = {**data, "later_field": "x" * (LARGEST_BODY_BYTES - empty)}
        more = {**data, "later_field": {"a": 1}}
        for what, changed, do in (
            ("an event of 1 MiB", {"data": filled}, "take 1 MiB"),
            ("fields that it does not know", {"laterattribute": "x", "data": more},
             "let unknown fields pass: the contract grows by them"),
            ("types that it does not know", {"type": "gashub.later.v1"},
             "store and leave them, or ask the gateway's operator for fewer kinds"),
        ):  # fmt: skip
            answer = self.sender.send(*self.another(**changed))
            self.say(f"takes {what}", answer.takes, answer, do)

    def remembers(self) -> None:
        with ThreadPoolExecutor(5) as pool:
            others = [self.another() for _ in range(OTHERS)]
            answers = list(pool.map(lambda one: self.sender.send(*one), others))
        lost = [str(one) for one in answers if not one.takes]
        self.say(f"takes {OTHERS} more at once", not lost, lost[:2], "answer each with 2xx")
        self.knows("still knows")
        if self.restart:
            sys.stdout.write("kill the receiver, start it again, then press Enter\n")
            sys.stdout.flush()
            sys.stdin.readline()
            self.knows("knows after a restart")

    def knows(self, what: str) -> None:
        self.sender.send(*self.another())  # first: else counting anew would look like knowing
        for key, (golden, first) in list(self.taken.items())[:5]:
            again = self.sender.send(key, golden.body)
            self.say(
                f"{what} {golden.name}", again.repeats(first, key), again,
                "keep key and receipt on the disk with the event, for as long as you keep it",
            )  # fmt: skip


def main(words: "list[str]") -> int:
    if words == ["secret"]:
        sys.stdout.write(f"whsec_{base64.b64encode(os.urandom(32)).decode()}\n")
        return 0
    ask = argparse.ArgumentParser(usage=__doc__)
    ask.add_argument("url")
    ask.add_argument("secret")
    ask.add_argument("golden", nargs="?", type=Path, default=Path(__file__).with_name("golden"))
    ask.add_argument("--token", default="")
    ask.add_argument("--restart", action="store_true")
    given = ask.parse_args(words)
    if not re.fullmatch(r"[!-~]*", given.token):
        stop("the token has letters that no header can hold")
    key_of(given.secret)
    sender = Sender(given.url, given.secret, given.token)
    return 1 if Check(sender, golden_of(given.golden), given.restart).all() else 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read along has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    except KeyboardInterrupt:
        code = 2
    sys.exit(code)
