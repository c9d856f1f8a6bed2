"""Ways to change an evidence bundle, by somebody who does not have the gateway's key, and by its
owner who has it.

raw         bits, bytes and stretches of the file
archive     members left out, added, exchanged, renamed, moved, packed; headers with other choices
consistent  the same and changed contents, with a manifest that lists them as they are now
sealed      the seal of another key, or of another bundle of the same gateway
insider     left out, moved and renumbered, and sealed anew with the true key
"""

import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any, NamedTuple

import orjson

from hub.ledger.canonical import canonical
from hub.ledger.keys import DeviceKey

MANIFEST, ENTRIES, HEADS = "manifest.json", "entries.jsonl", "heads.jsonl"
Dice = random.Random
Members = list[tuple[str, bytes]]


class Stock(NamedTuple):
    """What somebody who bends bundles has: a good one, others, and keys.

    other  of the same gateway, about something else; `alien` is another gateway's
    """

    good: bytes
    other: bytes
    alien: bytes
    true_key: DeviceKey
    false_key: DeviceKey


Way = Callable[[Dice, Stock], bytes]


def members(bundle: bytes) -> Members:
    with zipfile.ZipFile(BytesIO(bundle)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def comment_of(bundle: bytes) -> bytes:
    return bundle[-155:]


def assemble(
    parts: Members, comment: bytes, *, date: int = 0x21, extra: bytes = b"", packed: str = ""
) -> bytes:
    """An archive as docs/evidence.md has it, but for *date*, *extra* and one *packed* member."""
    out, directory = b"", b""
    for name, data in parts:
        raw, method = name.encode(), 8 if name == packed else 0
        stored = zlib.compress(data, 6, -15) if method else data
        facts = struct.pack("<III", zlib.crc32(data), len(stored), len(data))
        head = struct.pack("<5H", 10, 0, method, 0, date) + facts
        directory += b"PK\1\2" + struct.pack("<H", 10) + head
        directory += struct.pack("<HHHHHII", len(raw), 0, 0, 0, 0, 0, len(out)) + raw
        out += b"PK\3\4" + head + struct.pack("<HH", len(raw), len(extra)) + raw + extra + stored
    count = len(parts)
    end = struct.pack("<4HIIH", 0, 0, count, count, len(directory), len(out), len(comment))
    return out + directory + b"PK\5\6" + end + comment


def listed(parts: Members, **changed: Any) -> Members:
    """With a manifest that lists the members as they are, and says *changed*."""
    found = dict(parts)
    manifest = {**orjson.loads(found[MANIFEST]), **changed}
    manifest["members"] = [
        {"name": name, "sha256": sha256(data).hexdigest(), "size": len(data)}
        for name, data in parts
        if name != MANIFEST
    ]
    return [(name, canonical(manifest) if name == MANIFEST else data) for name, data in parts]


def sealed(parts: Members, key: DeviceKey) -> bytes:
    """Put together and signed with *key*."""
    body = assemble(parts, b"x" * 155)[:-155] + f"gashub-evidence-1 {key.public.id.hex()} ".encode()
    text = f"gashub-evidence-seal 1\n{sha256(body).hexdigest()}\n"
    return body + key.sign(text.encode()).hex().encode()


def manifest_of(stock: Stock) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(dict(members(stock.good))[MANIFEST])
    return found


def lines_of(parts: Members) -> list[bytes]:
    return dict(parts)[ENTRIES].splitlines(keepends=True)


def with_lines(parts: Members, lines: Sequence[bytes]) -> Members:
    return [(name, b"".join(lines) if name == ENTRIES else data) for name, data in parts]


def with_member(parts: Members, name: str, data: bytes) -> Members:
    return [(one, data if one == name else before) for one, before in parts]


# -- raw


def _bit(dice: Dice, stock: Stock) -> bytes:
    at = dice.randrange(8 * len(stock.good))
    bent = bytearray(stock.good)
    bent[at // 8] ^= 1 << at % 8
    return bytes(bent)


def _tail_bit(dice: Dice, stock: Stock) -> bytes:
    """In directory, comment and seal, which are a small part of the file."""
    at = len(stock.good) - 1 - dice.randrange(600)
    bent = bytearray(stock.good)
    bent[at] ^= 1 << dice.randrange(8)
    return bytes(bent)


def _bytes(dice: Dice, stock: Stock) -> bytes:
    at, count = dice.randrange(len(stock.good)), dice.randint(1, 64)
    return stock.good[:at] + dice.randbytes(count) + stock.good[at + count :]


def _lost(dice: Dice, stock: Stock) -> bytes:
    at = dice.randrange(len(stock.good))
    return stock.good[:at] + stock.good[at + dice.randint(1, 4096) :]


def _put_in(dice: Dice, stock: Stock) -> bytes:
    at = dice.randrange(len(stock.good) + 1)
    return stock.good[:at] + dice.randbytes(dice.randint(1, 300)) + stock.good[at:]


def _cut(dice: Dice, stock: Stock) -> bytes:
    return stock.good[: dice.randrange(len(stock.good))]


def _spliced(dice: Dice, stock: Stock) -> bytes:
    at = dice.randrange(min(len(stock.good), len(stock.other)))
    return stock.good[:at] + stock.other[at:]


def _upper(_dice: Dice, stock: Stock) -> bytes:
    """The same seal in other digits."""
    at = len(stock.good) - 137
    return stock.good[:at] + stock.good[at:].upper()


# -- archive


def _rearranged(dice: Dice, stock: Stock) -> bytes:
    parts = members(stock.good)
    one, two = dice.sample(range(len(parts)), 2)
    match dice.randrange(6):
        case 0:
            parts.pop(one)
        case 1:
            parts.insert(one, (f"files/{dice.randbytes(32).hex()}", dice.randbytes(20)))
        case 2:
            parts.insert(one, parts[two])
        case 3:
            parts[one], parts[two] = parts[two], parts[one]
        case 4:
            (a, x), (b, y) = parts[one], parts[two]
            parts[one], parts[two] = (a, y), (b, x)
        case _:
            names = ("../evil", "entries.jsonl/", "CON", "VERIFY.md\0", "Manifest.json", "")
            parts[one] = (dice.choice(names), parts[one][1])
    return assemble(parts, comment_of(stock.good))


def _other_choices(dice: Dice, stock: Stock) -> bytes:
    """What ZIP allows, and unpacks to the same."""
    parts = members(stock.good)
    match dice.randrange(4):
        case 0:
            return assemble(parts, comment_of(stock.good), date=dice.randrange(0x22, 0xFFFF))
        case 1:
            extra = struct.pack("<HH", 0xCAFE, 4) + dice.randbytes(4)
            return assemble(parts, comment_of(stock.good), extra=extra)
        case 2:
            return assemble(parts, comment_of(stock.good), packed=dice.choice(parts)[0])
        case _:
            return assemble(parts, comment_of(stock.good) + dice.randbytes(dice.randint(1, 9)))


def _exchanged(dice: Dice, stock: Stock) -> bytes:
    """A member of another bundle in place of ours."""
    theirs = dict(members(dice.choice((stock.other, stock.alien))))
    parts = members(stock.good)
    name = dice.choice([name for name, _ in parts if name in theirs])
    return assemble(with_member(parts, name, theirs[name]), comment_of(stock.good))


# -- consistent


def _retold(dice: Dice, stock: Stock) -> bytes:
    """The manifest says something else."""
    told = dice.choice(
        [
            {"recipient": "court"}, {"software": "9.9.9"}, {"exported_at": "2030-01-01"},
            {"number": "2026-2002"}, {"hazards": False}, {"gateway": "gw-other"}, {"drivers": []},
        ]
    )  # fmt: skip
    return assemble(listed(members(stock.good), **told), comment_of(stock.good))


def _text_changed(dice: Dice, stock: Stock) -> bytes:
    parts = with_member(members(stock.good), "VERIFY.md", dice.randbytes(50))
    return assemble(listed(parts), comment_of(stock.good))


def _entries_changed(dice: Dice, stock: Stock) -> bytes:
    """Lines left out, doubled, exchanged, taken from elsewhere; the manifest agrees."""
    parts = members(stock.good)
    lines = lines_of(parts)
    one, two = sorted(dice.sample(range(1, len(lines)), 2))
    match dice.randrange(5):
        case 0:
            lines.pop(one)
        case 1:
            lines.insert(one, lines[two])
        case 2:
            lines[one], lines[two] = lines[two], lines[one]
        case 3:
            lines[one] = dice.choice(lines_of(members(dice.choice((stock.other, stock.alien)))))
        case _:
            lines[one] = _reworded(dice, lines[one])
    return assemble(listed(with_lines(parts, lines)), comment_of(stock.good))


def _reworded(dice: Dice, line: bytes) -> bytes:
    told = orjson.loads(line)
    field = dice.choice(("body", "head", "salt"))
    text = told[field] or "{}"
    at = dice.randrange(len(text))
    told[field] = text[:at] + chr((ord(text[at]) ^ 1) & 0x7F) + text[at + 1 :]
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS) + b"\n"


# -- sealed


def _other_key(dice: Dice, stock: Stock) -> bytes:
    """Everything as it was, or the customer's data demanded, under a seal of somebody else's."""
    parts = members(stock.good)
    if dice.random() < 1 / 2:
        parts = listed(parts, recipient="court", exported_at=f"2030-01-{dice.randint(10, 28)}")
    made = sealed(parts, stock.false_key)
    if dice.random() < 1 / 2:  # and with the id of the true one
        at = len(made) - 137
        made = made[:at] + stock.true_key.public.id.hex().encode() + made[at + 8 :]
    return made


def _other_seal(dice: Dice, stock: Stock) -> bytes:
    return stock.good[:-155] + comment_of(dice.choice((stock.other, stock.alien)))


def _whole_other(_dice: Dice, stock: Stock) -> bytes:
    """Another gateway's bundle, good by itself."""
    return stock.alien


WAYS: Mapping[str, Way] = {
    "bit": _bit, "tail_bit": _tail_bit, "bytes": _bytes, "lost": _lost, "put_in": _put_in,
    "cut": _cut, "spliced": _spliced, "upper": _upper, "rearranged": _rearranged,
    "other_choices": _other_choices, "exchanged": _exchanged, "retold": _retold,
    "text_changed": _text_changed, "entries_changed": _entries_changed, "other_key": _other_key,
    "other_seal": _other_seal, "whole_other": _whole_other,
}  # fmt: skip


# -- insider


def _leave_out(dice: Dice, stock: Stock) -> bytes:
    """A link of a chain."""
    parts = members(stock.good)
    lines = lines_of(parts)
    kinds = ("job_event", "job_refused", "personal", "event", "verdict", "job")
    found = [at for at, line in enumerate(lines) if _head(line)["kind"] in kinds]
    lines.pop(dice.choice(found))
    there = {orjson.loads(line)["index"] for line in lines}
    withheld = [one for one in manifest_of(stock)["withheld"] if one["entry"] in there]
    return sealed(listed(with_lines(parts, lines), withheld=withheld), stock.true_key)


def _end_earlier(dice: Dice, stock: Stock) -> bytes:
    """The last links, and the manifest as it was; or it says more than there is."""
    parts = members(stock.good)
    jobs = [dict(job) for job in manifest_of(stock)["jobs"]]
    if not jobs:
        attempts = [{**one, "verdict_entry": -1} for one in manifest_of(stock)["attempts"]]
        return sealed(listed(parts, attempts=attempts), stock.true_key)
    jobs[0]["last_seq"] += dice.choice((-1, 1))
    return sealed(listed(parts, jobs=jobs), stock.true_key)


def _bare(dice: Dice, stock: Stock) -> bytes:
    """A body withheld that is not listed, or said to be erased."""
    parts = members(stock.good)
    lines = lines_of(parts)
    at = dice.randrange(1, len(lines))
    told = {**orjson.loads(lines[at]), "body": None, "salt": None}
    told["form"] = dice.choice(("withheld", "erased"))
    if told["form"] == orjson.loads(lines[at])["form"]:
        told["form"] = "erased"
    lines[at] = orjson.dumps(told, option=orjson.OPT_SORT_KEYS) + b"\n"
    return sealed(listed(with_lines(parts, lines)), stock.true_key)


def _other_entry(dice: Dice, stock: Stock) -> bytes:
    """An entry of another log, or with another's proof."""
    parts = members(stock.good)
    lines = lines_of(parts)
    at = dice.randrange(1, len(lines) - 1)
    if dice.random() < 1 / 2:
        lines[at] = lines_of(members(stock.alien))[-1]
    else:
        told, next_one = orjson.loads(lines[at]), orjson.loads(lines[at + 1])
        told["proof"] = next_one["proof"]
        lines[at] = orjson.dumps(told, option=orjson.OPT_SORT_KEYS) + b"\n"
    return sealed(listed(with_lines(parts, lines)), stock.true_key)


def _other_head(dice: Dice, stock: Stock) -> bytes:
    """Signed heads or their proofs that are not this log's."""
    parts = members(stock.good)
    name = dice.choice(("checkpoint", HEADS))
    theirs = dict(members(stock.alien))
    return sealed(listed(with_member(parts, name, theirs[name] or b"{}\n")), stock.true_key)


def _odd_manifest(dice: Dice, stock: Stock) -> bytes:
    told = dice.choice(
        [
            {"format": "gashub-evidence-2"}, {"origin": "gashub/x/0"}, {"gateway": "other"},
            {"withheld": [{"entry": 0, "why": "personal"}]}, {"files": True, "more": 1},
        ]
    )  # fmt: skip
    return sealed(listed(members(stock.good), **told), stock.true_key)


def _odd_file(dice: Dice, stock: Stock) -> bytes:
    """An attachment that nothing names, or bytes under another's hash."""
    parts = members(stock.good)
    data = dice.randbytes(30)
    name = sha256(data).hexdigest() if dice.random() < 1 / 2 else dice.randbytes(32).hex()
    parts.insert(len(parts) - 1, (f"files/{name}", data))
    return sealed(listed(parts, files=True), stock.true_key)


def _head(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(orjson.loads(line)["head"])
    return found


INSIDER: Mapping[str, Way] = {
    "leave_out": _leave_out, "end_earlier": _end_earlier, "bare": _bare,
    "other_entry": _other_entry, "other_head": _other_head, "odd_manifest": _odd_manifest,
    "odd_file": _odd_file,
}  # fmt: skip
"""What the checks 1 to 8 find, with the true seal on it."""
