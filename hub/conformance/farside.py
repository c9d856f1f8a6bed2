"""For sinks: what they say when nobody is there, when it talks rubbish, and of rubbish to send."""

import random
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from ulid import ULID

from hub.conformance.subject import NotAsked, Subject, Unmet
from hub.errors import Fault
from hub.model import Parcel, Recorded
from hub.simulate.mosquitto import free_port

_BODIES = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b'{"data": NaN}',
    b"[" * 5000,
    random.Random(4).randbytes(300),
)
_EVENT = b'{"id": "e-1", "type": "gashub.verdict.v1", "data": {}}'
_SHORT_S = ("ack_within_s", "answer_within_s", "connect_within_s")
_LOOK_S = 0.1


def nobody_there(subject: Subject) -> None:
    """Nothing is taken by a far side that does not answer, or by a folder that is not there."""
    if _reaches(subject) == "folder":
        with tempfile.NamedTemporaryFile(prefix="gashub-conformance-") as file:
            _nothing_taken(subject, 0, "with no folder there", file.name)
    else:
        _nothing_taken(subject, free_port(), "with nobody there")


def rubbish_answers(subject: Subject) -> None:
    """Nothing is taken by a far side that answers with random bytes."""
    if _reaches(subject) == "folder":
        raise NotAsked("rubbish answers: a folder gives no answers")
    with _babbler() as port:
        _nothing_taken(subject, port, "with a far side that talks rubbish")


def rubbish_parcels(subject: Subject) -> None:
    """What is no event is never taken for filed."""
    if _reaches(subject) != "folder":
        raise NotAsked("rubbish parcels: the far side judges what it is sent, not the sink")
    _nothing_taken(subject, 0, "of what is no event")


def _reaches(subject: Subject) -> str:
    """How the far side is named in the settings: url, host or folder."""
    fields = subject.kind.settings.model_fields
    for name in ("url", "host", "folder"):
        if name in fields:
            return name
    raise Unmet("its settings have none of url, host, folder, so nothing can be tried")


def _nothing_taken(subject: Subject, port: int, when: str, instead: str = "") -> None:
    with tempfile.TemporaryDirectory(prefix="gashub-conformance-") as folder:
        sink = subject.build(**_towards(subject, port, instead or folder))
        bodies = (*_BODIES, _EVENT) if port or instead else _BODIES
        try:
            _try(sink.open)
            if subject.sort == "follower":
                block = Recorded(1, [{"instrument": "x", "value": "1", "unit": "Pa", "at_us": 1}])
                if _try(partial(sink.forward, [block])):
                    raise Unmet(f"{when} `forward` says that everything has arrived")
                return
            for number, body in enumerate(bodies):
                parcel = Parcel(f"p-{number}", "conformance", f"k-{number}", "", "verdict", body, 1)
                done = _try(partial(sink.deliver, [parcel], str(ULID())))
                if done and done.taken:
                    raise Unmet(f"{when} {body[:20]!r} is said to be taken")
        finally:
            sink.close()
            sink.close()


def _towards(subject: Subject, port: int, folder: str) -> dict[str, object]:
    fields = subject.kind.settings.model_fields
    ways: Mapping[str, dict[str, object]] = {
        "url": {
            "url": f"http://127.0.0.1:{port}/",
            "allow_plain_http": True,
            "lan": ["127.0.0.0/8"],
        },
        "host": {"host": "127.0.0.1", "port": port},
        "folder": {"folder": folder},
    }
    given = {**dict.fromkeys(_SHORT_S, 1), **ways[_reaches(subject)]}
    return {name: value for name, value in given.items() if name in fields}


def _try(call: Callable[[], Any]) -> Any:
    """What *call* returns, True in place of None; False when a Fault or OSError is raised."""
    try:
        answer = call()
    except (Fault, OSError):
        return False
    except Exception as bug:
        raise Unmet(f"it raised {type(bug).__name__}: {bug}") from bug
    return True if answer is None else answer


@contextmanager
def _babbler() -> Iterator[int]:
    """A server that says random bytes to whoever connects; its port."""
    stop = threading.Event()
    dice = random.Random(5)

    def babble() -> None:
        while not stop.is_set():
            try:
                visitor, _ = server.accept()
            except TimeoutError:
                continue
            with visitor:
                visitor.settimeout(_LOOK_S)
                try:
                    visitor.recv(4096)
                    visitor.sendall(dice.randbytes(200))
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(_LOOK_S)
        thread = threading.Thread(target=babble, name="babbler")
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            stop.set()
            thread.join()
