"""All the looks, in the order in which a person would mend what they find."""

from collections.abc import Iterator
from pathlib import Path

from hub.config import Config, load_config
from hub.doctor.clocks import look_at_clock
from hub.doctor.disks import look_at_disk
from hub.doctor.filings import look_at_filings
from hub.doctor.finding import Finding, worst
from hub.doctor.parting import build, look_at_plugins
from hub.doctor.ports import look_at_ports
from hub.doctor.reach import look_at_far_sides
from hub.doctor.record import look_at_store
from hub.doctor.running import running_hub
from hub.doctor.service import look_at_service
from hub.errors import ConfigError
from hub.texts import Language


def examine(path: Path) -> tuple[Language | None, Iterator[Finding]]:
    """The configuration's language, None where it cannot be read, and the findings as they come."""
    try:
        config = load_config(path)
    except ConfigError as faults:
        lines = str(faults).splitlines()
        return None, iter(
            [Finding("config", "broken", "config.fault", {"why": why}) for why in lines]
        )
    return config.hub.language, _examine(config)


def _examine(config: Config) -> Iterator[Finding]:
    running = running_hub(config)
    plugins = list(look_at_plugins(config))
    yield from plugins
    parts, findings = build(config, whole=worst(plugins) == "ok")
    yield from findings
    yield from look_at_service(config, running)
    findings, record = look_at_store(config.hub.state_dir, running)
    yield from findings
    yield from look_at_disk(config.hub, record)
    yield from look_at_clock(record.newest_us, running)
    yield from look_at_ports(config, running)
    if parts is not None:
        yield from look_at_far_sides(config, parts, running)
        yield from look_at_filings(config, parts, running)
