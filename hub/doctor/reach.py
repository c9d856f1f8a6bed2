"""The far sides: brokers, by connecting as a stranger of ours; addresses, as far as TLS; folders.

A broker is asked with a client id that nobody uses and a session that ends with the connection,
so that the hub's own session is left alone. To an address nothing is sent beyond the handshake.
"""

import os
import ssl
import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from pydantic import BaseModel

from hub.addresses import lan_of
from hub.clock import HubClock
from hub.config import Config
from hub.credentials import is_name
from hub.dialling import AddressRefused, dial
from hub.doctor.finding import Finding
from hub.doctor.parting import named_secrets, value_of
from hub.doctor.running import Running
from hub.errors import ConfigError
from hub.model import FarSide, SinkKind, Site
from hub.mqtt.link import BrokerLink
from hub.mqtt.settings import BrokerSettings
from hub.parts import Parts

WITHIN_S: Final = 5.0
"""For one address, one attempt at a broker, one folder. A name server may take its time besides."""
ATTEMPTS: Final = 3
"""At a broker, which may speak an older protocol only."""
BROKER_WITHIN_S: Final = ATTEMPTS * WITHIN_S
SOON_DAYS: Final = 14
WRITE_AND_ENTER: Final = 0o3


def look_at_far_sides(config: Config, parts: Parts, running: Running) -> Iterator[Finding]:
    for link in config.link:
        where = f'link "{link.name}"'
        yield from _brokers(where, parts.settings.get(where), config)
        yield from _link_now(where, link.name, running)
    for sink in config.sink:
        where = f'sink "{sink.name}"'
        settings = parts.settings.get(where)
        yield from _brokers(where, settings, config)
        kind = parts.registry.sinks.get(sink.kind)
        if isinstance(kind, SinkKind) and kind.far_side is not None and settings is not None:
            yield from far_side(where, kind.far_side(settings), running)
        yield from _sink_now(where, sink.name, running)


def _brokers(where: str, settings: BaseModel | None, config: Config) -> Iterator[Finding]:
    if isinstance(settings, BrokerSettings):
        yield from broker(where, settings, config.hub.gateway)


def broker(where: str, settings: BrokerSettings, gateway: str) -> Iterator[Finding]:
    """Connect as the link would, under another name, and say goodbye."""
    address = f"{settings.host}:{settings.port}"
    for name in named_secrets(settings):
        try:
            value_of(name)
        except ConfigError:
            shown = name if is_name(name) else "-"
            yield Finding(where, "warning", "broker.untried", {"address": address, "secret": shown})
            return
    ours = {
        "client_id": f"gashub-doctor-{uuid4().hex[:12]}",
        "session_expiry_s": 0,
        "connect_within_s": min(settings.connect_within_s, WITHIN_S),
    }
    link = BrokerLink(
        "doctor", settings.model_copy(update=ours), Site(gateway, HubClock(), value_of)
    )
    try:
        link.open()
    except ConfigError as wrong:
        yield Finding(where, "broken", "broker.refuses", {"address": address, "why": str(wrong)})
        return
    until_s = monotonic() + BROKER_WITHIN_S
    try:
        while not (link.connected or link.refused or link.epoch >= ATTEMPTS):
            if monotonic() > until_s:
                break
            link.turn(0.2)
        why = link.why.removeprefix(f"{address}: ")
        figures = {"address": address, "why": why, "tls": "TLS" if settings.tls else "TCP"}
        if link.connected:
            yield Finding(where, "ok", "broker.there", figures)
        else:
            key = "broker.refuses" if link.refused else "broker.absent"
            yield Finding(where, "broken", key, figures)
    finally:
        link.close()


def _link_now(where: str, name: str, running: Running) -> Iterator[Finding]:
    now = running.status.get("link_states", {}).get(name)
    if now and now["why"]:
        yield Finding(where, "warning", "link.trouble", {"why": now["why"], "since": now["since"]})


def _sink_now(where: str, name: str, running: Running) -> Iterator[Finding]:
    for row in running.status.get("sinks", ()):
        if row["sink"] == name and row["standing"] != "open":
            yield Finding(
                where,
                "warning",
                "sink.trouble",
                {"state": row["standing"], "why": row["reason"], "waiting": row["waiting"]},
            )


def far_side(where: str, far: FarSide, running: Running) -> Iterator[Finding]:
    if far.folder is not None:
        yield _folder(where, far.folder, running)
    if far.url:
        yield from _address(where, far)


def _folder(where: str, folder: Path, running: Running) -> Finding:
    figures = {"folder": folder, "s": f"{WITHIN_S:g}"}
    if not answers(folder):
        return Finding(where, "broken", "folder.silent", figures)
    try:
        node = folder.stat()
    except PermissionError:
        if running.uid != os.geteuid():
            return Finding(where, "warning", "folder.unseen", figures)
        return Finding(where, "broken", "folder.forbidden", figures)
    except OSError:
        return Finding(where, "broken", "folder.absent", figures)
    if not stat.S_ISDIR(node.st_mode):
        return Finding(where, "broken", "folder.absent", figures)
    read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
    if read_only or not running.may(WRITE_AND_ENTER, node):
        return Finding(where, "broken", "folder.forbidden", figures)
    return Finding(where, "ok", "folder.there", figures)


def answers(folder: Path, within_s: float = WITHIN_S) -> bool:
    """Whether its file system answers in time: one of a server that is gone would hold us up.

    Whoever waits for such a server cannot be interrupted, so another process does it.
    """
    looker = subprocess.Popen(["test", "-e", folder])
    try:
        looker.wait(within_s)
    except subprocess.TimeoutExpired:
        looker.kill()  # it ends when the server is back, or with the machine
        return False
    return True


def _address(where: str, far: FarSide) -> Iterator[Finding]:
    parts = urlsplit(far.url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    figures: dict[str, Any] = {"address": f"{host}:{port}"}
    try:
        context = _context(far) if secure else None
    except (OSError, ssl.SSLError) as wrong:
        yield Finding(where, "broken", "far.certificates", {**figures, "why": str(wrong)})
        return
    try:
        with dial(host, port, WITHIN_S, lan_of(far.lan)) as plain:
            if context is None:
                yield Finding(where, "ok", "far.there", {**figures, "tls": "TCP"})
                return
            with context.wrap_socket(plain, server_hostname=host) as dressed:
                yield from _dressed(where, figures, dressed)
    except AddressRefused as wrong:
        yield Finding(where, "broken", "far.absent", {**figures, "why": str(wrong)})
    except ssl.SSLCertVerificationError as wrong:
        why = wrong.verify_message
        yield Finding(where, "broken", "far.untrusted", {**figures, "why": why})
    except (OSError, ssl.SSLError) as fault:
        why = getattr(fault, "strerror", None) or str(fault)
        yield Finding(where, "broken", "far.absent", {**figures, "why": why})


def _context(far: FarSide) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=far.ca_file)
    if far.cert_file is not None:
        context.load_cert_chain(far.cert_file, far.key_file)
    return context


def _dressed(where: str, figures: dict[str, Any], dressed: ssl.SSLSocket) -> Iterator[Finding]:
    told = dressed.getpeercert() or {}
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told["notAfter"])), UTC)
    if (ends - datetime.now(UTC)).days < SOON_DAYS:
        yield Finding(where, "warning", "far.expiring", {**figures, "ends": f"{ends:%Y-%m-%d}"})
    yield Finding(where, "ok", "far.there", {**figures, "tls": dressed.version() or "TLS"})
