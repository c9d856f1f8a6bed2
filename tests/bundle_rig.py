"""Jobs whose instruments are read by real drivers, and bundles of them that are bent by hand."""

import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import orjson

from hub.bundle import Wanted, export
from hub.bundle.container import ENTRIES, MANIFEST, Writer
from hub.config import load_config
from hub.inventory import write_down
from hub.ledger import Entry, Ledger, LedgerReader, encode_block
from hub.ledger.canonical import canonical
from hub.ledger.keys import DeviceKey, PublicKey
from hub.model import Intake, Kept
from hub.parts import Parts, nowhere
from hub.port import Port, PortSettings
from plugins.keller.simulator import Simulator, TransmitterFacts
from tests.foreman_rig import GAUGE, PHOTO_SHA, Yard, purge_order
from tests.job_rig import items

NUMBER: Final = "2026-2001"
CONFIG: Final = """
[hub]
gateway = "gw-test"
state_dir = "state"
plugins = ["keller", "mqtt"]

[[line]]
name = "line-a"
port = "/dev/ttyUSB0"
[[line.instrument]]
name = "pm-1"
kind = "keller"
quantity = "pressure"
address = 1

[[link]]
name = "broker"
kind = "mqtt"
host = "127.0.0.1"
topics = [ { decoder = "plain_json", filter = "instruments/+", lel_basis_pct_vol = 4.4 } ]
"""


class DevicePort(Port):
    """A port with a simulated device at its end, and no wire between them."""

    def __init__(self, device: Simulator) -> None:
        super().__init__(PortSettings(port="device"))
        self._device = device
        self._coming = b""
        self.sensed = Decimal(0)

    def write(self, sent: bytes) -> None:
        self._coming += self._device.hear(sent, self.sensed)

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        part, self._coming = self._coming[:at_most], self._coming[at_most:]
        return part

    def discard(self) -> int:
        count, self._coming = len(self._coming), b""
        return count


class Works(Yard):
    """A yard whose gauge is a Keller transmitter; all else publishes plain JSON to a broker."""

    def _start(self) -> None:
        super()._start()
        config = self.folder.parent / f"{self.folder.name}.toml"
        config.write_text(CONFIG)
        parts = Parts(load_config(config), self.clock, nowhere)
        with LedgerReader(self.folder) as reader:
            write_down(self.ledger, reader, parts, self.clock)
        self._gauge: Any = parts.instruments["pm-1"].driver
        self._link: Any = parts.links["broker"]
        self._port = DevicePort(Simulator(TransmitterFacts()))

    def read(self, name: str, value: str, unit: str, quantity: str, **more: Any) -> None:
        """One message, read by its driver, recorded and shown to everybody."""
        now_us = self.clock.now_us()
        if name == "pm-1":
            self._port.sensed = Decimal(value)
            intakes = list(self._gauge.read(self._port))
        else:
            said = {"instrument": name, "quantity": quantity, "value": float(value), "unit": unit}
            payload = orjson.dumps({**said, "serial": more.get("serial", f"S-{name}")})
            source = f"broker instruments/{name}"
            readings = self._link.read_again(Kept(source, payload, now_us))
            intakes = [Intake(source, payload, now_us, tuple(readings))]
        with self.ledger.transaction() as tx:
            tx.append("readings", encode_block(intakes), now_us)
        self.desk.observe(intakes)
        self.jobs.look(intakes)
        self.turn()

    def sealed(self, out: Path, number: str = NUMBER, **wanted: Any) -> Path:
        """A bundle of all that is there now."""
        with self.ledger.transaction() as tx:
            tx.checkpoint()
        export(self.folder, out, Wanted(number, **wanted), self.clock.now_us())
        return out

    @property
    def key(self) -> PublicKey:
        return self.ledger.public_key


def on_site(works: Works, number: str = NUMBER, **order: Any) -> None:
    """A purge on site, everything looked at, nothing tested; one refusal on the way."""
    works.photo()
    assert works.open(purge_order(number, **order))["done"]
    works.step(number, "acceptance", accepted="yes", record="AR-1")
    works.refused(number, "ignite")
    works.step(number, "plan", approved="yes", document="PL-1")
    works.step(number, "arrive", consent="yes")
    works.step(number, "site", items=items("site_residential"))
    works.step(number, "isolation", valves="both ends closed", as_ordered="yes")
    works.step(number, "vent_point", place="top_outdoors", photo=PHOTO_SHA)


def vented(works: Works, number: str = NUMBER) -> None:
    """Its riser held, and gas on its way to the vent."""
    works.hold(number, "riser_hold")
    works.step(number, "open_valve", guarded="yes")
    works.step(number, "vent")


def purged(works: Works, number: str = NUMBER) -> None:
    """The rest of it, up to the indoor hold."""
    vented(works, number)
    works.samples(number, "samples")
    works.step(number, "connect")
    works.step(number, "joint_check", method="fluid", result="none")


def lit(works: Works, number: str = NUMBER) -> None:
    """And to the end."""
    works.hold(number, "indoor_hold")
    works.step(number, "ignite")
    works.step(number, "flame", flame="normal", meter_before="0.1", meter_after="0.2")
    works.step(number, "inspect", items=items("inspection"), talk="yes")
    works.step(number, "sign", fees="yes", signature=PHOTO_SHA, cleaned="yes")
    works.step(number, "close")


def hold_order(number: str = "GS-7", procedure: str = "riser_hold") -> dict[str, Any]:
    """An order without a job."""
    return {
        "number": number,
        "procedure": procedure,
        "section": {"id": "B-1"},
        "p_design_pa": 5000,
        "medium": "air",
        "instruments": [dict(GAUGE)],
    }


def held(
    works: Works, number: str = "GS-7", hold_s: int = 1500, procedure: str = "riser_hold"
) -> None:
    """One hold of an order without a job, read for so long."""
    order = hold_order(number, procedure)
    works.do("order.add", text=orjson.dumps(order, default=str).decode())
    works.do("order.open", number=number)
    works.event(number, "zeroed", instrument="pm-1")
    for pa in (0, 0, 0, 0, 0, 2000, 5200):
        if pa == 2000:
            works.event(number, "pump_on")
        works.read("pm-1", str(pa), "Pa", "pressure")
        works.wait(1)
    works.event(number, "pump_off")
    for at in range(hold_s):
        works.read("pm-1", str(5200 + at % 2), "Pa", "pressure")
        works.wait(1)


class Bent:
    """A bundle taken apart, to be changed and put together again."""

    def __init__(self, bundle: bytes) -> None:
        with zipfile.ZipFile(BytesIO(bundle)) as archive:
            self.comment = archive.comment
            self.members = {name: archive.read(name) for name in archive.namelist()}

    @cached_property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.members[MANIFEST])
        return found

    @property
    def lines(self) -> list[bytes]:
        return self.members[ENTRIES].splitlines(keepends=True)

    def with_lines(self, lines: Iterable[bytes]) -> None:
        self.members[ENTRIES] = b"".join(lines)

    def index_of(self, line: bytes) -> int:
        return int(orjson.loads(line)["index"])

    def head_of(self, line: bytes) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(orjson.loads(line)["head"])
        return found

    def body_of(self, line: bytes) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(orjson.loads(line)["body"] or b"{}")
        return found

    def without(self, index: int) -> None:
        """Leave an entry out."""
        self.with_lines(line for line in self.lines if self.index_of(line) != index)

    def listed(self) -> None:
        """Have the manifest list the members as they are now."""
        self.manifest["members"] = [
            {"name": name, "sha256": sha256(data).hexdigest(), "size": len(data)}
            for name, data in self.members.items()
            if name != MANIFEST
        ]
        self.members[MANIFEST] = canonical(self.manifest)

    def sealed(self, out: Path, key: DeviceKey) -> Path:
        """As whoever holds *key* would put it together."""
        out.unlink(missing_ok=True)
        with Writer(out) as writer:
            for name, data in self.members.items():
                writer.add(name, [data])
            writer.seal(key)
        return out


def device_key(works: Yard) -> DeviceKey:
    return DeviceKey.load(works.folder, works.ledger.origin)


Change = Callable[[Entry], Mapping[str, Any] | None]


def written_anew(works: Works, folder: Path, change: Change) -> Path:
    """The whole record as its owner could forge it: a new log with new proofs and signatures, in
    which *change* gives entries another body; None leaves one as it is.
    """
    with closing(Ledger.open(folder, works.clock, "gw-test")) as forged, forged.transaction() as tx:
        for entry in works.entries()[1:]:
            body = change(entry)
            plain = entry.body if body is None else canonical(body)
            tx.append(entry.kind, plain or b"", entry.at_us, entry.refs)
        tx.sql.execute("ATTACH DATABASE ? AS old", (str(works.folder / "ledger.db"),))
        for table in ("orders", "attempts", "packs", "jobs", "job_entries", "staff", "files"):
            tx.sql.execute(f"INSERT INTO {table} SELECT * FROM old.{table}")  # noqa: S608
    return folder
