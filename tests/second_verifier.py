"""A verifier of evidence bundles, written from docs/evidence.md alone: FILE [KEY [HEAD…]]"""

import base64
import json
import re
import struct
import sys
import zlib
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

BEFORE = ["VERIFY.md", "checkpoint", "heads.jsonl", "entries.jsonl"]
WITHHELD = {"personal": "personal", "another job": "job_event"}
CHAINS = {"order": "job job_event job_refused personal", "attempt": "attempt event verdict"}


def must(holds, what):
    if not holds:
        raise ValueError(what)


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parsed(data):
    value = json.loads(data)
    must(canonical(value) == data, "not canonical")
    return value


def unbase64(text):
    data = base64.b64decode(text, validate=True)
    must(base64.b64encode(data).decode() == text, "base64 is not in its one form")
    return data


def members(data):
    found, directory, at = {}, b"", 0
    while data[at : at + 4] == b"PK\3\4":
        size, _, length = struct.unpack_from("<IIH", data, at + 18)
        name = data[at + 30 : at + 30 + length]
        body = data[at + 30 + length : at + 30 + length + size]
        facts = struct.pack("<III", zlib.crc32(body), len(body), len(body))
        header = b"PK\3\4" + struct.pack("<5H", 10, 0, 0, 0, 0x21) + facts
        header += struct.pack("<HH", len(name), 0) + name
        must(data[at : at + len(header)] == header and name.decode("ascii") not in found, "header")
        directory += b"PK\1\2" + struct.pack("<6H", 10, 10, 0, 0, 0, 0x21) + facts
        directory += struct.pack("<5HII", len(name), 0, 0, 0, 0, 0, at) + name
        found[name.decode()] = body
        at += len(header) + size
    files = sorted(name for name in found if re.fullmatch(r"files/[0-9a-f]{64}", name))
    must(list(found) == [*BEFORE, *files, "manifest.json"], "members or their order")
    end = struct.pack("<4HIIH", 0, 0, len(found), len(found), len(directory), at, 155)
    rest = directory + b"PK\5\6" + end + b"gashub-evidence-1 "
    must(data[at : at + len(rest)] == rest and len(data) == at + len(rest) + 137, "directory")
    must(all(found[name][-1:] in (b"", b"\n") for name in BEFORE[2:]), "a line has no end")
    return found


class Key:
    def __init__(self, line):
        self.line = line.strip()
        self.origin, self.id, encoded = self.line.split("+", 2)
        raw = unbase64(encoded)
        own = sha256(self.origin.encode() + b"\n" + raw).hexdigest()[:8]
        must(len(raw) == 33 and raw[0] == 1 and own == self.id, "no Ed25519 key, or another id")
        self.verify = Ed25519PublicKey.from_public_bytes(raw[1:]).verify

    def head(self, note):
        text, _, signatures = note.partition("\n\n")
        origin, size, root = text.split("\n")[:3]
        must(origin == self.origin, "checkpoint of another log")
        mine = re.findall(f"^— {re.escape(origin)} (.+)$", signatures, re.MULTILINE)
        (blob,) = [blob for blob in map(unbase64, mine) if blob[:4].hex() == self.id]
        self.verify(blob[4:], text.encode() + b"\n")
        return int(size), unbase64(root)


def rfc9162(at, last, first, second, steps):  # 2.1.3.2, whose r is `second`, and 2.1.4.2
    for step in map(unbase64, steps):
        must(last > 0, "proof too long")
        if at & 1 or at == last:
            first, second = (sha256(b"\1" + step + one).digest() for one in (first, second))
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = sha256(b"\1" + second + step).digest()
        at, last = at >> 1, last >> 1
    must(last == 0, "proof too short")
    return first, second


def goes_on(old, new, proof):
    (size, root), (now, now_root) = old, new
    must(0 < size <= now and (size < now or (not proof and root == now_root)), "heads")
    if size < now:
        start, steps = (unbase64(proof[0]), proof[1:]) if size & (size - 1) else (root, proof)
        odd = (size & -size).bit_length() - 1  # lowest bits of size - 1 that are set
        found = rfc9162((size - 1) >> odd, (now - 1) >> odd, start, start, steps)
        must(found == (root, now_root), "the log does not go on from it")


class Entry:
    def __init__(self, line, head):
        told, facts = parsed(line), parsed(json.loads(line)["head"].encode())
        self.index, self.form, body, salt = (told[k] for k in ("index", "form", "body", "salt"))
        must(type(facts["i"]) is int and 0 <= self.index == facts["i"] < head[0], "index")
        must(len(told) == 6 and facts["v"] == 1, "keys of an entry")
        self.kind, self.refs, digest = facts["kind"], facts.get("refs", {}), facts.pop("digest")
        self.leaf, self.body = sha256(b"\0" + told["head"].encode()).digest(), None
        if self.form in ("erased", "withheld"):
            must(body is None and salt is None, "body of what has none")
        else:
            must(self.form in ("text", "base64") and re.fullmatch("[0-9a-f]{32}", salt), "form")
            raw = body.encode() if self.form == "text" else unbase64(body)
            found = sha256(bytes.fromhex(salt) + canonical(facts) + raw).hexdigest()
            must(found == digest, f"digest of entry {self.index}")
            self.body = raw if self.kind in ("readings", "rule_pack") else json.loads(raw)
        _, root = rfc9162(self.index, head[0] - 1, b"", self.leaf, told["proof"])
        must(root == head[1], f"entry {self.index} is not in the log")


def check(data, given="", outside=()):
    found = members(data)
    lines = found["entries.jsonl"].split(b"\n")[:-1]
    key = Key(json.loads(json.loads(lines[0])["body"])["public_key"])
    must(not given or Key(given).line == key.line, "another key than the one given")
    must(re.fullmatch(f"{key.id} [0-9a-f]{{128}}".encode(), data[-137:]), "comment")
    sealed = f"gashub-evidence-seal 1\n{sha256(data[:-128]).hexdigest()}\n"
    key.verify(bytes.fromhex(data[-128:].decode()), sealed.encode())
    manifest = parsed(found["manifest.json"])
    must(len(manifest) == 16 and manifest["format"] == "gashub-evidence-1", "manifest")
    found.pop("manifest.json")
    there = [{"name": n, "sha256": sha256(d).hexdigest(), "size": len(d)} for n, d in found.items()]
    must(manifest["members"] == there and manifest["origin"] == key.origin, "members, origin")
    head = key.head(found["checkpoint"].decode())
    entries = [Entry(line, head) for line in lines]
    by_index = {entry.index: entry for entry in entries}
    must(sorted(by_index) == [entry.index for entry in entries], "order of entries")
    names = [entries[0].body[name] for name in ("origin", "gateway")]
    must(names == [key.origin, manifest["gateway"]] and by_index[0].kind == "genesis", "entry 0")
    why = {one["entry"]: WITHHELD[one["why"]] for one in manifest["withheld"]}
    must({e.index: e.kind for e in entries if e.form == "withheld"} == why, "withheld")
    told = {(int(e.refs["entry"]), e.refs["leaf"]) for e in entries if e.kind == "erased"}
    gone = {(e.index, e.leaf.hex()) for e in entries if e.form == "erased"}
    must({one for one in told if one[0] in by_index} == gone, "erased")
    older = {0: []}
    for told in map(parsed, found["heads.jsonl"].split(b"\n")[:-1]):
        one = key.head(told["note"])
        must(one[0] > max(older) and len(told) == 2, "order of heads")
        goes_on(one, head, told["proof"])
        older[one[0]] = told["proof"]
    for one in map(key.head, outside):
        must(one[0] in {head[0], *older}, "nothing leads on from the outside head")
        goes_on(one, head, older.get(one[0], []))
    chains(manifest, entries, by_index)
    named = {e.refs["sha256"] for e in entries if e.kind == "file"}
    attached = {n[6:]: sha256(d).hexdigest() for n, d in found.items() if n.startswith("files/")}
    wanted = named - set(manifest["files_lost"]) if manifest["files"] else set()
    must(set(attached) == wanted and all(n == d for n, d in attached.items()), "files")


def chains(manifest, entries, by_index):
    links, last = {}, {}
    for e in entries:
        for ref in (ref for ref, kinds in CHAINS.items() if e.kind in kinds.split()):
            links.setdefault((ref, e.refs.get(ref)), []).append(e)
    for name, chain in links.items():
        seq, before, hidden, counts = -1, -1, 0, False
        for link in chain:
            told = (link.body or {}).get("seq"), (link.body or {}).get("prev")
            if link.body is None:
                seq, before, hidden = seq + counts, link.index, hidden + 1
            elif counts or told != (None, None):
                starts = [(0, -1), (hidden, before if hidden else -1)]
                must(told in ([(seq + 1, before)] if counts else starts), f"gap: {link.index}")
                seq, before, counts = told[0], link.index, True
        last[name] = seq, chain[-1].index
    jobs = {job["number"]: (job["last_seq"], job["last_entry"]) for job in manifest["jobs"]}
    must({e.refs["order"] for e in entries if e.kind == "job"} == set(jobs), "jobs listed")
    must(all(last["order", number] == end for number, end in jobs.items()), "end of a job")
    ids = {None, *(one["attempt"] for one in manifest["attempts"])}
    must({e.refs.get("attempt") for e in entries if e.kind == "attempt"} <= ids, "attempts listed")
    for one in manifest["attempts"]:
        first, end = by_index[one["opened_entry"]], one["verdict_entry"]
        kinds = first.kind, "verdict" if end == -1 else by_index[end].kind
        must(kinds == ("attempt", "verdict"), "opened_entry or verdict_entry")
        if "attempt" in first.refs:
            chain = links["attempt", one["attempt"]]
            ends = [(link.index, link is chain[-1]) for link in chain if link.kind == "verdict"]
            must(chain[0] is first and ends == [(end, True)] * (end != -1), "ends of an attempt")


if __name__ == "__main__":
    texts = [Path(name).read_text(encoding="utf-8") for name in sys.argv[2:]]
    check(Path(sys.argv[1]).read_bytes(), "".join(texts[:1]), texts[1:])
