"""`gashub doctor`: each thing that can be wrong is found and named, and nothing is changed."""

import ast
import hashlib
import json
import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trustme

from hub.config import load_config
from hub.doctor import Finding, examine
from hub.doctor.clocks import judge, kept
from hub.doctor.disks import file_system, month_bytes, sync_ms
from hub.doctor.ports import READ_AND_WRITE
from hub.doctor.reach import answers
from hub.doctor.record import Record, look_at_store
from hub.doctor.running import Running, running_hub
from hub.rulepack import SHIPPED
from hub.simulate.mosquitto import Mosquitto
from hub.simulate.receiver import Receiver
from hub.testing import PtyPair, wait_until
from hub.texts import CATALOGUE
from tests.line_rig import GASHUB, Site, laser_line
from tests.mqtt_rig import Speaker, body
from tests.test_frames import BROKER, LASER, shining
from tests.test_mqtt_security import certificates, login_broker, tls_lines

__all__ = ["certificates", "login_broker"]  # fixtures

S = 1_000_000
NOBODY = Running({}, "", "", None, 65534)
SIGNING = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FILING = """
[[sink]]
name = "gov"
kind = "gov_filing"
folder = "{folder}"
company = "某某燃气有限公司"
credit_code = "91110000101623741K"
division_code = "110105"
"""
CRM = """
[[sink]]
name = "crm"
kind = "crm"
url = "{url}"
secrets = ["crm-signing"]
lan = ["127.0.0.0/8"]
"""
SECRET = {"GASHUB_SECRET_CRM_SIGNING": SIGNING}


def found(site: Site, code: int | None = None, **env: str) -> dict[str, dict[str, str]]:
    """The findings of `gashub doctor --json`, by key (the last one of each)."""
    said = site.cli("doctor", "--json", **env)
    assert "Traceback" not in said.stderr, said.stderr
    told = json.loads(said.stdout)
    assert said.returncode == (1 if told["state"] == "broken" else 0)
    if code is not None:
        assert said.returncode == code, said.stdout
    return {row["key"]: row for row in told["findings"]}


def broken(rows: dict[str, dict[str, str]]) -> list[str]:
    return [key for key, row in rows.items() if row["state"] == "broken" and key != "disk.volatile"]


@pytest.fixture
def cable() -> Iterator[PtyPair]:
    with PtyPair() as pair:
        yield pair


def laser_site(folder: Path, port: str) -> Site:
    return Site(folder, ["boreal"], LASER.format(port=port))


# -- a healthy gateway


def link_now(site: Site) -> dict[str, Any]:
    return dict(site.status()["link_states"].get("field", {"readings": 0}))


def listing(folder: Path) -> dict[str, str]:
    """Every file below *folder*, with owner, mode and content."""
    return {
        str(path.relative_to(folder)): f"{path.stat().st_uid} {path.stat().st_mode:o} "
        + (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in sorted(folder.rglob("*"))
    }


def test_a_healthy_gateway_has_nothing_broken_and_goes_on_undisturbed(
    tmp_path: Path, cable: PtyPair
) -> None:
    """Beside a running hub: port, broker session and record stay as they are."""
    filing, notify = tmp_path / "filing", tmp_path / "notify"
    filing.mkdir()
    with (
        Mosquitto(tmp_path) as mosquitto,
        Receiver(tmp_path / "crm.jsonl") as crm,
        shining(cable, [laser_line()]),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
    ):
        systemd.bind(str(notify))
        text = LASER.format(port=cable.path) + BROKER.format(port=mosquitto.port)
        text += FILING.format(folder=filing) + CRM.format(url=crm.url) + "allow_plain_http = true\n"
        site = Site(tmp_path, ["boreal", "mqtt", "gov_filing", "crm"], text)
        service = {"NOTIFY_SOCKET": str(notify), "WATCHDOG_USEC": "30000000", **SECRET}
        site.extra = service
        with site, Speaker(mosquitto.port) as speaker:
            site.start()
            numbers = count(1)

            def heard_more_than(readings: int) -> bool:
                """Say one more, as nothing is kept for a link before it has subscribed."""
                speaker.say(body(next(numbers)))
                return bool(link_now(site)["readings"] > readings)

            wait_until(lambda: heard_more_than(0), "it reads")
            rows = found(site)
            so_far = link_now(site)["readings"]
            wait_until(lambda: heard_more_than(so_far), "it still reads")
            before = site.readings()
            wait_until(lambda: site.readings() > before + 2, "the line goes on")
            assert "lost" not in site.log()

    assert broken(rows) == []
    for key in (
        "plugin.loads", "config.good", "rules.good", "secret.there", "service.watched",
        "store.whole", "disk.room", "disk.sync", "port.held", "broker.there", "folder.there",
        "far.there",
    ):  # fmt: skip
        assert rows[key]["state"] == "ok", rows.get(key)
    assert "30 s" in rows["service.watched"]["says"]
    assert not list(filing.iterdir())


def test_nothing_is_left_behind_where_no_hub_runs(tmp_path: Path, cable: PtyPair) -> None:
    """No -wal, no -shm, no temporary file, and every byte as before."""
    with laser_site(tmp_path, cable.path) as site:
        site.start()
    before = listing(site.state)
    rows = found(site)
    assert rows["store.whole"]["state"] == "ok"
    assert rows["service.none"]["state"] == "warning"
    assert listing(site.state) == before
    assert not cable.opened()


def test_a_store_that_is_being_written_is_never_called_damaged(tmp_path: Path) -> None:
    """However a look falls between a commit and the head beside it."""
    with (
        Mosquitto(tmp_path) as mosquitto,
        Speaker(mosquitto.port) as speaker,
        Site(tmp_path, ["mqtt"], BROKER.format(port=mosquitto.port)) as site,
    ):
        site.start()
        stop = threading.Event()

        def publish() -> None:
            seq = 0
            while not stop.is_set():
                speaker.say(*(body(seq + k) for k in range(20)))
                seq += 20

        talker = threading.Thread(target=publish)
        talker.start()
        try:
            running = running_hub(load_config(site.config))
            for _ in range(25):
                findings, record = look_at_store(site.state, running)
                assert [one.key for one in findings] == ["store.whole"], findings
                assert record.newest_us is not None
        finally:
            stop.set()
            talker.join()


# -- what can be wrong


def test_a_config_with_faults_is_told_fault_by_fault(tmp_path: Path) -> None:
    site = Site(tmp_path, ["boreal"], "[hubb]\n[[line]]\nname = 1\n")
    said = site.cli("doctor", "--json", "--lang", "en")
    rows = json.loads(said.stdout)["findings"]
    assert said.returncode == 1
    assert len(rows) >= 2
    assert {row["key"] for row in rows} == {"config.fault"}


def test_a_missing_config_is_a_finding_too(tmp_path: Path) -> None:
    site = Site(tmp_path, [], "")
    site.config.unlink()
    assert list(found(site, 1)) == ["config.fault"]


def test_a_plugin_that_does_not_load_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "__init__.py").write_text("")
    (tmp_path / "acme" / "gauge.py").write_text("1 / 0\n")
    site = Site(tmp_path, ["boreal", "acme.gauge", "nosuch"], "")
    said = site.cli("doctor", "--json", PYTHONPATH=str(tmp_path))
    rows = json.loads(said.stdout)["findings"]
    by_plugin = {row["about"]: row for row in rows if row["about"].startswith("plugin")}
    assert by_plugin["plugin boreal"]["state"] == "ok"
    assert "ZeroDivisionError" in by_plugin["plugin acme.gauge"]["says"]
    assert by_plugin["plugin nosuch"]["state"] == "broken"
    assert any(row["key"].startswith("disk") for row in rows)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("valid_from = 2020-01-01", "valid_from = 2120-01-01", "rules.early"),
        (
            "valid_from = 2020-01-01",
            "valid_from = 2020-01-01\nvalid_until = 2020-02-01",
            "rules.late",
        ),
        ('version = "', 'versoin = "', "config.fault"),
    ],
)
def test_a_rule_pack_out_of_force_or_unreadable(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(SHIPPED / "default", pack)
    identity = pack / "pack.toml"
    identity.write_text(identity.read_text().replace(old, new, 1))
    site = Site(tmp_path, [], "")
    site.config.write_text(site.config.read_text() + f'rule_pack = "{pack}"\n')
    assert found(site, 1)[key]["state"] == "broken"


def test_a_missing_port_and_a_file_for_a_port(tmp_path: Path) -> None:
    assert "port.missing" in found(laser_site(tmp_path, str(tmp_path / "ttyNONE")), 1)
    (tmp_path / "file").write_text("")
    assert "port.no_device" in found(laser_site(tmp_path, str(tmp_path / "file")), 1)
    assert "port.unclear" in found(laser_site(tmp_path, "usb:0001:0002:NONE"), 1)


def test_a_port_that_another_program_holds_is_named_with_it(tmp_path: Path, cable: PtyPair) -> None:
    hold = "import os,sys; os.open(sys.argv[1], os.O_RDWR|os.O_NOCTTY); print(); sys.stdin.read()"
    holder = subprocess.Popen(
        [GASHUB[0], "-c", hold, cable.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        rows = found(laser_site(tmp_path, cable.path), 1)
        holder.kill()
    assert f"pid {holder.pid}" in rows["port.busy"]["says"]


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "may"),
    [(0o660, 0, 0, False), (0o666, 0, 0, True), (0o660, 65534, 0, True), (0o660, 0, 4242, True),
     (0o640, 0, 4242, False), (0o066, 65534, 0, False)],
)  # fmt: skip
def test_who_may_use_a_port(mode: int, uid: int, gid: int, may: bool) -> None:
    """By owner, by a group of the hub's process, or as everybody: to read and to write."""
    node = os.stat_result((stat.S_IFCHR | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))

    class InGroup(Running):
        def groups(self) -> frozenset[int]:
            return frozenset({4242})

    assert InGroup(*NOBODY).may(READ_AND_WRITE, node) == may


def test_an_instrument_that_the_hub_has_lost_is_a_warning(tmp_path: Path, cable: PtyPair) -> None:
    text = LASER.format(port=cable.path) + "stale_after_s = 0.3\n"
    with Site(tmp_path, ["boreal"], text) as site:
        site.start()
        wait_until(lambda: site.status()["lines"]["beam"]["laser"]["state"] == "lost", "it is lost")
        rows = found(site)
    assert rows["instrument.lost"]["state"] == "warning"
    assert rows["port.held"]["state"] == "ok"
    assert rows["service.by_hand"]["state"] == "warning"


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def link(port: int, more: str = "") -> str:
    return BROKER.format(port=port).replace("[[link.topics]]", more + "[[link.topics]]")


def test_a_broker_that_is_not_there_or_says_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused" in found(Site(tmp_path, ["mqtt"], link(port)), 1)["broker.absent"]["says"]
    with silent_port() as port:
        text = link(port, "connect_within_s = 0.5\n")
        assert "broker.absent" in found(Site(tmp_path, ["mqtt"], text), 1)


def test_a_broker_that_wants_a_password(tmp_path: Path, login_broker: Mosquitto) -> None:
    text = link(login_broker.port, 'user = "hub"\npassword_secret = "mqtt"\n')
    site = Site(tmp_path, ["mqtt"], text)
    right = found(site, GASHUB_SECRET_MQTT="correct")
    wrong = found(site, 1, GASHUB_SECRET_MQTT="wrong")
    absent = found(site, 1)
    assert right["broker.there"]["state"] == "ok"
    assert "password_secret" in wrong["broker.refuses"]["says"]
    assert "wrong" not in wrong["broker.refuses"]["says"].split("password")[0]
    assert absent["secret.missing"]["state"] == "broken"
    assert absent["broker.untried"]["state"] == "warning"


def test_a_broker_over_tls(tmp_path: Path, certificates: Any) -> None:
    with Mosquitto(tmp_path, tls_lines(certificates, clients=False)) as tls:
        text = link(tls.port, 'tls = true\nca_file = "{ca}"\n').replace("127.0.0.1", "localhost")
        good = found(Site(tmp_path, ["mqtt"], text.replace("{ca}", str(certificates.ca))))
        bad = found(Site(tmp_path, ["mqtt"], text.replace("{ca}", str(certificates.other_ca))), 1)
    assert "TLS" in good["broker.there"]["says"]
    assert "not trusted" in bad["broker.refuses"]["says"]


def test_the_doctors_broker_session_is_gone_when_it_is(tmp_path: Path) -> None:
    """Also at a broker that speaks only 3.1.1, where a session would stay for ever."""
    for protocol in ("5", "3.1.1"):
        folder = tmp_path / protocol
        folder.mkdir()
        lines = ["allow_anonymous true", "sys_interval 1"]
        with Mosquitto(folder, lines) as mosquitto:
            text = link(mosquitto.port, f'protocol = "{protocol}"\n')
            assert "broker.there" in found(Site(folder, ["mqtt"], text))
            mosquitto.stop()
            stored = b"".join(p.read_bytes() for p in folder.rglob("mosquitto.db"))
        assert b"gashub-doctor" not in stored


def tls_crm(folder: Path, ca: trustme.CA, ends: datetime | None = None) -> Receiver:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", not_after=ends).configure_cert(context)
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    return Receiver(folder / "crm.jsonl", tls=context)


def test_a_crm_over_tls(tmp_path: Path) -> None:
    """Trusted, untrusted, soon to end, and with certificates of ours that cannot be read."""
    ca = trustme.CA()
    with tls_crm(tmp_path, ca) as crm:
        text = CRM.format(url=crm.url)
        trusted = found(
            Site(tmp_path, ["crm"], text + f'ca_file = "{tmp_path}/ca.pem"\n'), **SECRET
        )
        stranger = found(Site(tmp_path, ["crm"], text), 1, **SECRET)
        absent = found(Site(tmp_path, ["crm"], text + 'ca_file = "/nowhere.pem"\n'), 1, **SECRET)
        assert not (tmp_path / "crm.jsonl").exists() or not (tmp_path / "crm.jsonl").read_bytes()
    assert "TLSv1" in trusted["far.there"]["says"]
    assert stranger["far.untrusted"]["state"] == "broken"
    assert absent["far.certificates"]["state"] == "broken"
    with tls_crm(tmp_path, ca, datetime.now(UTC) + timedelta(days=5)) as crm:
        text = CRM.format(url=crm.url) + f'ca_file = "{tmp_path}/ca.pem"\n'
        ending = found(Site(tmp_path, ["crm"], text), **SECRET)
    assert ending["far.expiring"]["state"] == "warning"
    assert ending["far.there"]["state"] == "ok"


def test_a_crm_that_is_not_there_and_a_folder_that_is_not_mounted(tmp_path: Path) -> None:
    text = CRM.format(url="https://127.0.0.1:1/x") + FILING.format(folder=tmp_path / "absent")
    rows = found(Site(tmp_path, ["crm", "gov_filing"], text), 1, **SECRET)
    assert rows["far.absent"]["state"] == "broken"
    assert rows["folder.absent"]["state"] == "broken"


def test_a_crm_in_a_network_that_is_not_named_is_told_with_the_setting(tmp_path: Path) -> None:
    """As the sink itself would have it: nothing is connected to."""
    text = CRM.format(url="https://10.0.0.1/x")
    rows = found(Site(tmp_path, ["crm"], text), 1, **SECRET)
    assert "`lan`" in rows["far.absent"]["says"]


def test_a_folder_that_the_hubs_user_may_not_write_is_told_to_root(tmp_path: Path) -> None:
    """By the owner of the state folder, as whom the hub runs; not by who asks."""
    site = Site(tmp_path, ["gov_filing"], FILING.format(folder=tmp_path / "filing"))
    (tmp_path / "filing").mkdir()
    assert found(site)["folder.there"]["state"] == "ok"
    site.state.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        os.chown(site.state, 65534, 65534)
    else:
        (tmp_path / "filing").chmod(0o500)
    assert found(site, 1)["folder.forbidden"]["state"] == "broken"


def test_a_file_system_that_does_not_answer_costs_a_limited_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks at a folder of a server that is gone waits until it is back."""
    hung = tmp_path / "test"
    hung.write_text("#!/bin/sh\nexec sleep 600\n")
    hung.chmod(0o755)
    assert answers(tmp_path)
    assert answers(tmp_path / "absent")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        assert not answers(tmp_path, within_s=0.1)


def test_a_hub_that_does_not_answer_is_stuck_and_its_port_is_its_own(
    tmp_path: Path, cable: PtyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel still tells who listens, so that the hub is not taken for a stranger."""
    monkeypatch.setattr("hub.control.ANSWER_WITHIN_S", 0.2)
    site = laser_site(tmp_path, cable.path)
    site.state.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stuck:
        stuck.bind(str(site.state / "hub.sock"))
        stuck.listen()
        running = running_hub(load_config(site.config))
        _, findings = examine(site.config)
        told = {one.key: one for one in findings}
    assert (running.trouble, running.pid) == ("service.stuck", os.getpid())
    assert told["service.stuck"].state == "broken"
    assert told["port.held"].state == "ok"


_SEES_ALL = "-dac_override,-dac_read_search"
NOT_ROOTS_EYES = ["setpriv", "--bounding-set", _SEES_ALL, "--inh-caps", _SEES_ALL]


def test_what_cannot_be_seen_is_said_so_and_never_called_absent(tmp_path: Path) -> None:
    """As a user who may not enter the state folder: no hub, record or disk is made up."""
    shut = tmp_path / "shut"
    with Site(tmp_path, ["gov_filing"], FILING.format(folder=shut / "filing")) as site:
        site.config.write_text(site.config.read_text().replace(str(site.state), f"{shut}/state"))
        (shut / "state").mkdir(parents=True)
        (shut / "filing").mkdir()
        shut.chmod(0)
        command = [*GASHUB, "doctor", "--json", "--config", str(site.config)]
        said = subprocess.run(
            command if os.geteuid() else [*NOT_ROOTS_EYES, *command],
            capture_output=True, text=True, check=False, timeout=60, env=site.env(),
        )  # fmt: skip
        shut.chmod(0o700)
    assert "Traceback" not in said.stderr, said.stderr
    told = {row["key"]: row for row in json.loads(said.stdout)["findings"]}
    assert {"service.hidden", "store.unseen", "disk.unseen"} <= set(told)
    assert not {"store.none", "disk.absent", "service.none", "folder.absent"} & set(told)


def test_a_secret_itself_in_the_config_is_never_shown(tmp_path: Path) -> None:
    text = CRM.format(url="https://127.0.0.1:1/x").replace("crm-signing", SIGNING)
    site = Site(tmp_path, ["crm"], text)
    rows = found(site, 1)
    said = site.cli("doctor", "--lang", "en")
    assert rows["secret.misplaced"]["state"] == "broken"
    assert SIGNING not in said.stdout + said.stderr + json.dumps(rows)


# -- the record


@pytest.mark.parametrize("harm", ["zeroes", "cut", "flip", "key", "old copy"])
def test_a_damaged_record_is_found_without_the_hub(tmp_path: Path, harm: str) -> None:
    with Site(tmp_path, [], "") as site:
        site.start()
        site.stop()
        db, key = site.state / "ledger.db", site.state / "device.key"
        older = db.read_bytes()
        site.start()
        site.stop()
    whole = bytearray(db.read_bytes())
    match harm:
        case "zeroes":
            db.write_bytes(bytes(len(whole)))
        case "cut":
            db.write_bytes(whole[: len(whole) // 2])
        case "flip":
            at = whole.index(b'"genesis"')
            whole[at + 2] ^= 1
            db.write_bytes(whole)
        case "key":
            key.unlink()
        case "old copy":
            db.write_bytes(older)
    rows = found(site, 1)
    assert rows["store.damaged"]["state"] == "broken"


def test_what_the_running_hub_says_of_its_store_counts(tmp_path: Path) -> None:
    with Site(tmp_path, [], "") as site:
        site.start()
        site.stop()
        (site.state / "ledger.db").write_bytes(b"\0" * 8192)
        site.start()
        rows = found(site, 1)
    assert rows["store.refuses"]["state"] == "broken"


def in_tmpfs(site: Site, then: str) -> dict[str, dict[str, str]]:
    """The doctor's findings with the state folder on a small tmpfs, prepared by *then*."""
    site.state.mkdir(exist_ok=True)
    mount = f'mount -t tmpfs -o size=2m tmpfs "{site.state}" && {then} && exec "$@"'
    command = [*GASHUB, "doctor", "--json", "--lang", "en", "--config", str(site.config)]
    said = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mount, "sh", *command],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert said.returncode == 1, said.stderr
    return {row["key"]: row for row in json.loads(said.stdout)["findings"]}


def test_a_full_a_read_only_and_a_passing_disk(tmp_path: Path) -> None:
    site = Site(tmp_path, [], "")
    text = site.config.read_text()
    site.config.write_text(text.replace("reserve_mib = 0", "reserve_mib = 16"))
    full = in_tmpfs(site, "true")
    assert full["disk.full"]["state"] == "broken"
    assert full["disk.volatile"]["state"] == "broken"
    read_only = in_tmpfs(site, f'mount -o remount,ro "{site.state}"')
    assert read_only["disk.read_only"]["state"] == "broken"


# -- judged apart


@pytest.mark.parametrize(
    ("now_us", "built_us", "newest_us", "kept", "key"),
    [
        (0, 1_700_000_000 * S, None, True, "clock.old"),
        (1_790_000_000 * S, 1_700_000_000 * S, 1_790_000_001 * S, True, "clock.behind"),
        (1_790_000_000 * S, 1_700_000_000 * S, 1_789_999_999 * S, True, "clock.kept"),
        (1_790_000_000 * S, 1_700_000_000 * S, None, False, "clock.free"),
        (1_790_000_000 * S, 1_700_000_000 * S, None, None, "clock.untold"),
        (1_700_000_000 * S - 3600 * S, 1_700_000_000 * S, None, True, "clock.kept"),
    ],
)
def test_a_clock_that_cannot_be_right(
    now_us: int, built_us: int, newest_us: int | None, kept: bool | None, key: str
) -> None:
    """Years before the program, before the last entry, kept by nobody; an hour of doubt is none."""
    (finding,) = judge(now_us, built_us=built_us, newest_us=newest_us, kept=kept)
    assert finding.key == key
    assert finding.state == (
        "broken" if key in ("clock.old", "clock.behind") else "ok" if key == "clock.kept"
        else "warning"
    )  # fmt: skip


def test_the_kernel_is_asked_whether_its_clock_is_kept() -> None:
    """The same answer as `timedatectl`, where that can be asked."""
    said = subprocess.run(
        ["timedatectl", "show", "-p", "NTPSynchronized", "--value"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if said.returncode == 0 and said.stdout.strip():
        assert kept() == (said.stdout.strip() == "yes")
    assert kept() in (True, False, None)


def test_a_month_of_growth_goes_by_what_the_record_has_grown() -> None:
    day_us = 86_400 * S
    assert month_bytes(Record(1000, 0, 10 * day_us)) == 3000
    assert month_bytes(Record(1000, 0, day_us // 2)) == 0
    assert month_bytes(Record()) == 0


def test_the_nearest_mount_names_the_file_system(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\ntmpfs {tmp_path} tmpfs rw 0 0\n")
    assert file_system(tmp_path / "x", mounts) == "tmpfs"
    assert file_system(Path("/usr"), mounts) == "ext4"


def test_a_sync_is_measured_without_a_trace(tmp_path: Path) -> None:
    took_ms = sync_ms(tmp_path)
    assert took_ms is None or took_ms > 0
    assert list(tmp_path.iterdir()) == []


# -- words


def keys_in_code() -> set[str]:
    folder = Path(__file__).parent.parent / "hub" / "doctor"
    literals = {
        node.value
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    groups = {key.split(".")[1] for key in CATALOGUE["en"] if key.startswith("doctor.")}
    return {
        text
        for text in literals
        if text.count(".") == 1 and text.split(".")[0] in groups and " " not in text
    }


def test_every_finding_has_its_words_and_every_word_its_finding() -> None:
    """A finding that is not ok has a remedy as well."""
    words = {key.removeprefix("doctor.") for key in CATALOGUE["en"] if key.startswith("doctor.")}
    sentences = {key for key in words if not key.endswith(".do") and not key.startswith("state.")}
    assert sentences == keys_in_code()
    assert {key.removesuffix(".do") for key in words if key.endswith(".do")} <= sentences


def test_it_speaks_the_gateways_language_and_says_the_same(tmp_path: Path) -> None:
    site = laser_site(tmp_path, str(tmp_path / "ttyNONE"))
    english = site.cli("doctor")
    site.config.write_text(site.config.read_text().replace('language = "en"', 'language = "zh"'))
    chinese = site.cli("doctor")
    assert "BROKEN    line beam: " in english.stdout
    assert "故障      line beam: " in chinese.stdout
    assert english.stdout.count("\n") == chinese.stdout.count("\n")
    assert english.returncode == chinese.returncode == 1


def test_every_doubt_comes_with_a_remedy(tmp_path: Path) -> None:
    """In both languages, for whatever this machine shows."""
    _, findings = examine(laser_site(tmp_path, str(tmp_path / "ttyNONE")).config)
    doubtful: list[Finding] = [one for one in findings if one.state != "ok"]
    assert doubtful
    assert all(one.remedy("en") and one.remedy("zh") for one in doubtful)


def test_the_running_hub_does_not_carry_the_doctor() -> None:
    """Nor the probe, nor the frames: a small box pays only for what runs."""
    code = (
        "import sys; sys.argv = ['gashub', 'run', '/nowhere.toml']\n"
        "import hub.app, hub.service\n"
        "heavy = ('hub.doctor', 'hub.probe', 'hub.frames')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
