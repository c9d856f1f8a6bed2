"""The one way out: a name is resolved, the answer is looked at, and that very address is dialled.

HTTP, SFTP and MQTT all connect by `dial`, so that nobody can change in between what a name means.
"""

import socket
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from hub.addresses import Network, against
from hub.errors import SinkPaused

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port -> addresses as text, best first. raises OSError"""


class AddressRefused(SinkPaused):
    """No address of the far side may be connected to. Nothing was sent; the channel waits."""


def resolved(host: str, port: int) -> list[str]:
    """What the system's resolver says, as it orders it. raises OSError"""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as wrong:  # a label that no name server could be asked for
        raise OSError(f"{host!r} is no host name: {wrong}") from wrong
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def dial(
    host: str,
    port: int,
    within_s: float,
    lan: Sequence[Network] | None,
    resolve: Resolve = resolved,
) -> socket.socket:
    """Connect to *host*, at an address that was looked at first. The only way out of the hub.

    lan     networks that may be connected to though they are not global; None: any address that
            is a far side at all, for a broker, whose place is the plant's own network
    raises  AddressRefused when none may be connected to, OSError when none answers in time
    """
    found = [ip_address(text) for text in resolve(host, port)]
    refused = {address: why for address in found if (why := against(address, lan))}
    allowed = [address for address in found if address not in refused]
    if not allowed:
        said = ", ".join(f"{address} is {why}" for address, why in refused.items())
        to_do = (
            "give the broker's own address or name as `host`, and restart"
            if lan is None
            else "if that is the far side, in a network of your own, name the network in `lan`, "
            "restart, then `gashub outbox retry`"
        )
        raise AddressRefused(f"{host}: not connected: {said or 'the name has no address'}; {to_do}")
    until_s = time.monotonic() + within_s
    fault: OSError = TimeoutError(f"not connected in {within_s:g} s")
    for address in allowed:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            break
        try:
            connected = socket.create_connection((str(address), port), left_s)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
        except OSError as refusal:
            fault = refusal
    raise fault
