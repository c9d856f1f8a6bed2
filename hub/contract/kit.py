"""The kit for whoever writes a receiver: one folder, with all that is needed and nothing of ours.

guide.en.md, guide.zh-CN.md   one page each: what to do, in which order
contract.md                   everything in detail (docs/contract.md), in English
check.py                      sends events to a receiver as a gateway does, and says what is wrong
mock_receiver.py              a receiver with faults to switch on, for tests of a sender
receivers/                    receivers that verify the signature: Python, Java, C#
golden/VERSION/*.json         real events of every type, byte for byte
expected.json                 what a system must make of them: what is done, and what is not
vectors.json                  signatures with their secrets, good and bad
schemas/*.json, asyncapi.json the events, for tools
words.json                    what the words in them mean: phases, kinds, ends, reasons
openapi.json                  the way in: the gateway's HTTP API
"""

import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from hmac import digest
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from hub.contract.asyncapi import asyncapi
from hub.contract.expected import expected
from hub.contract.golden import golden_events
from hub.contract.schemas import schema_files, text_of
from hub.contract.words import words
from hub.errors import CommandRefused

_FILES: Final = "hub.contract.files"
_AT_S: Final = 1_790_000_000
_ENDLESS: Final = "1" * 5000
"""A time that a receiver must refuse, and not stumble over: more digits than Python turns into a
number."""
_SECRETS: Final = tuple(
    "whsec_" + b64encode(sha256(name).digest()).decode() for name in (b"a", b"b")
)
_KEY: Final = "01M5YVK000EVENT00000000001-crm"


def write_kit(folder: Path) -> list[str]:
    """Write the kit into *folder*, which must be empty or not there; returns the files' names.

    raises  CommandRefused when something is there already
    """
    if folder.exists() and any(folder.iterdir()):
        raise CommandRefused(f"{folder} is not empty; name a new folder for the kit")
    found = dict(_contents())
    for name, content in found.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return sorted(found)


def _contents() -> Iterator[tuple[str, bytes]]:
    here = files(_FILES)
    for name in ("guide.en.md", "guide.zh-CN.md", "check.py"):
        yield name, (here / name).read_bytes()
    contract = (_docs() / "contract.md").read_text(encoding="utf-8")
    yield "contract.md", contract.replace("(schemas/golden/)", "(golden/)").encode()
    for name in ("receiver.py", "Receiver.java", "Receiver.cs"):
        yield f"receivers/{name}", (here / name).read_bytes()
    yield "mock_receiver.py", (files("hub.simulate") / "receiver.py").read_bytes()
    for path in golden_events():
        yield f"golden/{path.parent.name}/{path.name}", path.read_bytes()
    yield "expected.json", text_of(expected(golden_events())).encode()
    yield "vectors.json", text_of(vectors()).encode()
    for name, text in schema_files().items():
        yield f"schemas/{name}", text.encode()
    yield "asyncapi.json", text_of(asyncapi()).encode()
    yield "words.json", text_of(words()).encode()
    # Read, not made: a gateway that serves no API has not the parts to make it.
    yield "openapi.json", (_docs() / "openapi.json").read_bytes()


def _docs() -> Path:
    beside = Path(__file__).parents[2] / "docs"
    return beside if beside.is_dir() else Path(sys.prefix, "share", "gashub", "docs")


def vectors() -> dict[str, Any]:
    """Signatures to test a receiver's verification with: what it must accept, and what not.

    Each has the headers and body of a request, the receiver's secret, and its clock.
    """
    one, other = _SECRETS
    body = '{"specversion":"1.0","subject":"2026-1184","data":{"sentence":"压降为零。"}}'
    good = _signature(one, body)
    vector = _vector
    return {
        "scheme": "Standard Webhooks 1.0, v1: HMAC-SHA256 over id.timestamp.body",
        "vectors": [
            vector("good", body, good, accept=True),
            vector("one of two, while a secret is changed", body,
                   f"{_signature(other, body)} {good}", accept=True),
            vector("an unknown version beside a good one", body, f"v2,AAAA {good}", accept=True),
            vector("by another secret", body, _signature(other, body), accept=False),
            vector("one byte of the body changed", body.replace("1184", "1185"), good,
                   accept=False),
            vector("another id", body, _signature(one, body, key="other"), accept=False),
            vector("another idempotency-key", body, good, accept=False, sent_as=f"{_KEY}-2"),
            vector("another time", body, _signature(one, body, at_s=_AT_S + 1), accept=False),
            vector("six minutes old", body, good, accept=False, now_s=_AT_S + 360),
            vector("six minutes ahead", body, good, accept=False, now_s=_AT_S - 360),
            vector("four minutes old", body, good, accept=True, now_s=_AT_S + 240),
            vector("cut short", body, good[:-4], accept=False),
            vector("not base64", body, "v1,!!!!", accept=False),
            vector("one bit of its end changed", body, _bent(good, -1), accept=False),
            vector("one bit of its middle changed", body, _bent(good, 16), accept=False),
            vector("two, and none is good", body,
                   f"{_signature(other, body)} {_bent(good, -1)}", accept=False),
            vector("an unknown version alone", body, good.replace("v1,", "v2,"), accept=False),
            vector("301 s old", body, good, accept=False, now_s=_AT_S + 301),
            vector("a time of five thousand digits", body, _signature(one, body, at_s=_ENDLESS),
                   accept=False, sent_at=_ENDLESS),
            vector("no version", body, good.removeprefix("v1,"), accept=False),
            vector("empty", body, "", accept=False),
        ],
    }  # fmt: skip


def _vector(
    name: str,
    body: str,
    signature: str,
    *,
    accept: bool,
    now_s: int = _AT_S,
    sent_as: str = _KEY,
    sent_at: int | str = _AT_S,
) -> Mapping[str, Any]:
    headers = {
        "idempotency-key": sent_as, "webhook-id": _KEY, "webhook-timestamp": str(sent_at),
        "webhook-signature": signature,
    }  # fmt: skip
    return {
        "name": name, "secret": _SECRETS[0], "now": now_s, "headers": headers, "body": body,
        "accept": accept,
    }  # fmt: skip


def _signature(secret: str, body: str, key: str = _KEY, at_s: int | str = _AT_S) -> str:
    signed = f"{key}.{at_s}.{body}".encode()
    mac = digest(b64decode(secret.removeprefix("whsec_")), signed, "sha256")
    return f"v1,{b64encode(mac).decode()}"


def _bent(signature: str, byte: int) -> str:
    """The same but for the last bit of one *byte* of the MAC."""
    mac = bytearray(b64decode(signature.removeprefix("v1,")))
    mac[byte] ^= 1
    return f"v1,{b64encode(mac).decode()}"
