"""Which device a port's name means: a path, or a USB adapter by what it says of itself.

A path such as /dev/ttyUSB0 depends on the order of plugging. udev's by-id names do not, where
udev runs and the adapter has a serial number; `usb:` names need neither: vendor and product in
hex, then the adapter's serial, or the socket it sits in where it has none.

    usb:0403:6001:A50285BI      this very adapter
    usb:1a86:7523@1-1.4         whatever CH340 is in that socket
    usb:0403:6001               the only one of its kind
"""

import os
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from hub.errors import PortGone

_USB = re.compile(
    r"usb:(?P<vendor>[0-9a-f]{4}):(?P<product>[0-9a-f]{4})"
    r"(?::(?P<serial>[^:@\s]+))?(?:@(?P<socket>\S+))?",
    re.IGNORECASE,
)


class Wanted(NamedTuple):
    vendor: int
    product: int
    serial: str
    socket: str

    def fits(self, port: Any) -> bool:
        """Whether *port* (pyserial's ListPortInfo) is meant."""
        return (
            (port.vid, port.pid) == (self.vendor, self.product)
            and (not self.serial or port.serial_number == self.serial)
            and (not self.socket or (port.location or "").split(":")[0] == self.socket)
        )


def parse(name: str) -> Wanted | None:
    """What a `usb:` name asks for; None for a path. Raises ValueError for one that is misspelt."""
    if not name.lower().startswith("usb:"):
        return None
    parts = _USB.fullmatch(name)
    if parts is None:
        raise ValueError(
            f"{name!r}: write usb:VENDOR:PRODUCT[:SERIAL][@SOCKET], vendor and product in four "
            "hex digits, for example usb:0403:6001:A50285BI"
        )
    return Wanted(
        int(parts["vendor"], 16), int(parts["product"], 16),
        parts["serial"] or "", parts["socket"] or "",
    )  # fmt: skip


def device_of(name: str, ports: Iterable[Any] | None = None) -> str:
    """The device that *name* means now; a path stands for itself, links resolved.

    ports   what is plugged in; absent: asked of the system
    raises  PortGone when no adapter fits, or more than one
    """
    wanted = parse(name)
    if wanted is None:
        return os.path.realpath(name)
    from serial.tools import list_ports  # noqa: PLC0415  only for ports named by their adapter

    there = list(list_ports.comports() if ports is None else ports)
    fitting = [port for port in there if wanted.fits(port)]
    if len(fitting) == 1:
        return str(fitting[0].device)
    if fitting:
        names = ", ".join(sorted(described(port) for port in fitting))
        raise PortGone(f"{name}: {len(fitting)} adapters fit: {names}; name one of them in full")
    usb = ", ".join(sorted(described(port) for port in there if port.vid is not None))
    raise PortGone(
        f"{name}: no such adapter; plug it in, or correct `port` (there are: {usb or 'none'})"
    )


def described(port: Any) -> str:
    """The fullest `usb:` name of an adapter, and where it is now."""
    text = f"usb:{port.vid:04x}:{port.pid:04x}"
    if port.serial_number:
        text += f":{port.serial_number}"
    elif port.location:
        text += f"@{port.location.split(':')[0]}"
    return f"{text} ({port.device})"


def present(name: str) -> bool:
    """Whether opening *name* is worth a try: its device is there. Never raises."""
    try:
        return os.path.exists(device_of(name))  # noqa: PTH110 - never raises
    except (PortGone, ValueError):
        return False
