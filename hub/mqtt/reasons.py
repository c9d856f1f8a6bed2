"""Why a broker refuses or ends a connection, in words, and what to do about it.

MQTT 5, table 2-6, as far as CONNACK and DISCONNECT carry it. The five refusals of MQTT 3.1.1
(table 3.1) come here as the codes of MQTT 5 that they correspond to.
"""

from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

UNSUPPORTED_PROTOCOL = 0x84
TAKEN_OVER = 0x8E
LONGEST_SAID = 200
"""Characters of the broker's own words that are passed on."""

_BY_ITSELF = "it is tried again by itself"
PASSING = {
    0x88: _BY_ITSELF,
    0x89: _BY_ITSELF,
    0x8B: _BY_ITSELF,
    0x8D: "look at the network, or give `keepalive_s` more time",
    0x96: "the broker limits how much this client may send; ask its owner",
    0x9F: _BY_ITSELF,
    0xA0: _BY_ITSELF,
}
"""What waiting may mend."""

REMEDIES = {
    0x81: "the broker does not understand what we send; its log says more",
    0x82: "the broker does not understand what we send; its log says more",
    UNSUPPORTED_PROTOCOL: 'set `protocol` to the version it speaks, or to "auto"',
    0x85: "give this link another client_id",
    0x86: "check `user` and the secret named by `password_secret`",
    0x87: "check `user`, the secret named by `password_secret`, and the broker's access list",
    0x8A: "the broker's owner has banned this client; ask there",
    0x8C: "the broker wants a way to log in that this link does not have; ask its owner",
    0x8F: "the broker does not take a topic `filter` of this link; correct it",
    0x90: "the broker does not take the `topic` of this link; correct it",
    0x93: "the broker takes fewer messages at once than it says; its log says more",
    0x95: "the broker takes no packet of this size; raise its limit, or lower `batch_max`",
    0x97: "the broker's owner limits this client; ask there",
    0x98: "somebody at the broker ended it; ask its owner",
    0x9B: "the broker must support QoS 1",
    0x9C: "set `host` to the server that it names, or ask its owner for it",
    0x9D: "set `host` to the server that it names, or ask its owner for it",
    0xA2: "the broker takes no filter with + or #; name each topic",
}
"""What stays until somebody acts."""


def in_words(reason: ReasonCode, properties: Properties | None) -> str:
    """The reason's name and number, and what the broker itself says about it."""
    words = f"{reason} (0x{reason.value:02X})"
    for name in ("ReasonString", "ServerReference"):
        said = str(getattr(properties, name, ""))
        if said:
            plain = "".join(c if c.isprintable() else "?" for c in said[:LONGEST_SAID])
            words += f', it says "{plain}"'
    return words


def remedy(code: int) -> str:
    """What to do, or "" where nothing is known."""
    return REMEDIES.get(code) or PASSING.get(code, "")


def same_name(client_id: str) -> str:
    """What to do about another client under our client id."""
    return (
        f'another client uses client_id "{client_id}", and messages for us may go to it; '
        "give each gateway its own client_id"
    )
