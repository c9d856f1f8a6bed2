"""A port's name means one device, or nothing: never the wrong adapter."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from serial.tools.list_ports_common import ListPortInfo

from hub.adapter import device_of, parse, present
from hub.errors import PortGone
from hub.port import PortSettings


def adapter(device: str, vid: int | None, pid: int | None, serial: str = "", at: str = "") -> Any:
    port = ListPortInfo(device, skip_link_detection=True)
    port.vid, port.pid, port.serial_number, port.location = vid, pid, serial or None, at or None
    return port


THERE = [
    adapter("/dev/ttyS0", None, None),
    adapter("/dev/ttyUSB0", 0x0403, 0x6001, "A50285BI", "1-1.2:1.0"),
    adapter("/dev/ttyUSB1", 0x0403, 0x6001, "A50285BJ", "1-1.3:1.0"),
    adapter("/dev/ttyUSB2", 0x1A86, 0x7523, "", "1-1.4:1.0"),
    adapter("/dev/ttyUSB3", 0x1A86, 0x7523, "", "1-1.5:1.0"),
    adapter("/dev/ttyACM0", 0x2341, 0x0043, "75", "1-1.1:1.0"),
]


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("usb:0403:6001:A50285BJ", "/dev/ttyUSB1"),
        ("USB:0403:6001:A50285BI", "/dev/ttyUSB0"),
        ("usb:1A86:7523@1-1.4", "/dev/ttyUSB2"),
        ("usb:1a86:7523@1-1.5", "/dev/ttyUSB3"),
        ("usb:2341:0043", "/dev/ttyACM0"),
        ("usb:0403:6001:A50285BI@1-1.2", "/dev/ttyUSB0"),
    ],
)
def test_an_adapter_is_found_by_what_it_says_of_itself(name: str, device: str) -> None:
    assert device_of(name, THERE) == device


@pytest.mark.parametrize(
    "name",
    ["usb:0403:6001:A50285BK", "usb:0403:6015", "usb:1a86:7523@1-1.6", "usb:1a86:7523@1-1"],
)
def test_an_adapter_that_is_not_there_is_gone_and_what_is_there_is_listed(name: str) -> None:
    with pytest.raises(PortGone, match=r"no such adapter.*usb:0403:6001:A50285BI \(/dev/ttyUSB0\)"):
        device_of(name, THERE)


@pytest.mark.parametrize("name", ["usb:0403:6001", "usb:1a86:7523"])
def test_two_that_fit_are_none(name: str) -> None:
    """A guess between two adapters would put one pipe's readings under another's name."""
    with pytest.raises(PortGone, match=r"2 adapters fit: .*name one of them in full"):
        device_of(name, THERE)


@pytest.mark.parametrize("name", ["usb:403:6001", "usb:0403", "usb:xyz0:6001", "usb:0403:6001:"])
def test_a_misspelt_name_stops_the_configuration(name: str) -> None:
    with pytest.raises(ValidationError, match="usb:VENDOR:PRODUCT"):
        PortSettings(port=name)


def test_a_path_stands_for_itself_with_its_links_resolved(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    assert parse("/dev/ttyUSB0") is None
    assert device_of(str(tmp_path / "link")) == "/dev/null"
    assert present(str(tmp_path / "link"))
    assert not present(str(tmp_path / "nothing"))


def test_the_systems_own_list_can_be_asked() -> None:
    """No adapter of this made-up vendor is plugged in anywhere."""
    assert not present("usb:fff0:fff0:none")
    with pytest.raises(PortGone, match="no such adapter"):
        device_of("usb:fff0:fff0:none")
