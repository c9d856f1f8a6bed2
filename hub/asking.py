"""One question to one instrument: send, then wait for the first whole answer, and no longer."""

import time

from hub.errors import BadFrame, InstrumentSilent
from hub.framing import Framer
from hub.port import Port

MOST_HEARD = 4096


def ask(who: str, port: Port, request: bytes, framer: Framer, within_s: float) -> bytes:
    """Send *request* and return the first frame that *framer* finds in what comes back.

    What was received before the request is thrown away: it answers an older question, and an
    answer that *who* still owes is waited for first (`Port.clear_for`). The request itself,
    echoed by the adapter or the line, is not taken for an answer. *framer* is emptied first.

    within_s  the instrument's whole time budget, real time from the end of the request
    raises    InstrumentSilent when nothing came, BadFrame when what came holds no frame
    """
    framer.reset()
    port.clear_for(who)
    port.write(request)
    until_s = time.monotonic() + within_s
    heard = b""
    while len(heard) < MOST_HEARD:
        part = port.read(max(until_s - time.monotonic(), 0.0))
        if not part:
            break
        heard += part
        for frame in framer.feed(part):
            if frame != request:
                return frame
    port.missed(who, within_s)
    if not heard.removeprefix(request):
        raise InstrumentSilent(
            f"{who} on {port.name}: no answer in {within_s} s; "
            "check power, wiring, address and speed"
        )
    raise BadFrame(f"{who} on {port.name}: no whole answer in {within_s} s, only {heard[:60]!r}")
