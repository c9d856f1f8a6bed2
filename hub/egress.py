"""The way out by HTTP, for every sink: one address, a limit on everything, no surprises.

The far side's name is resolved for each new connection, the answer is looked at, and that very
address is dialled (`hub.dialling`). Certificates are checked against the name, whatever the
address. A redirect is an answer like any other, never followed.
Limits are for the whole: the usual socket timeout starts anew with every byte, so that a far side
which drips its answer could hold a channel for days. No proxy of the environment is used.
"""

import contextlib
import http.client
import io
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Timeout

from hub.addresses import Network
from hub.credentials import bare
from hub.dialling import Resolve, dial, resolved
from hub.errors import NoAnswer, SinkUnavailable


class Answer(NamedTuple):
    """`headers` have lower-case names; `body` is cut at the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Limits(NamedTuple):
    """connect_within_s for connecting to one far side, answer_within_s for a whole answer."""

    connect_within_s: float = 5.0
    answer_within_s: float = 15.0
    answer_max_bytes: int = 65536


class Trust(NamedTuple):
    """Certificates to trust instead of the system's, and ours to show. There is no "none"."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


SYSTEM: Final = Trust()


class Egress:
    """A kept connection to the far side of one URL. Never follows, never retries by itself.

    lan      networks that may be connected to though they are not global (`lan_of`)
    resolve  the name server, for tests
    """

    def __init__(
        self,
        url: str,
        *,
        limits: Limits,
        trust: Trust = SYSTEM,
        lan: Sequence[Network] = (),
        resolve: Resolve = resolved,
    ) -> None:
        parts = urllib3.util.parse_url(url)
        self.url = bare(url)  # for people: it stands in reasons, which are recorded and shown
        self._target = parts.request_uri
        self._max_bytes = limits.answer_max_bytes
        host = (parts.host or "").strip("[]")
        timeout = Timeout(connect=limits.connect_within_s, read=limits.answer_within_s)
        more = {
            "answer_within_s": limits.answer_within_s,
            "dial": staticmethod(
                partial(dial, within_s=limits.connect_within_s, lan=tuple(lan), resolve=resolve)
            ),
        }
        self._pool: urllib3.HTTPConnectionPool
        if parts.scheme == "https":
            self._pool = urllib3.HTTPSConnectionPool(
                host,
                parts.port or 443,
                timeout=timeout,
                cert_reqs="CERT_REQUIRED",
                ca_certs=_text(trust.ca_file),
                cert_file=_text(trust.cert_file),
                key_file=_text(trust.key_file),
            )
            self._pool.ConnectionCls = type("Connection", (_Https,), more)
        else:
            self._pool = urllib3.HTTPConnectionPool(host, parts.port or 80, timeout=timeout)
            self._pool.ConnectionCls = type("Connection", (_Http,), more)

    def send(
        self, method: str, headers: Mapping[str, str], body: bytes = b"", target: str = ""
    ) -> Answer:
        """One request and its answer, whatever its status.

        target  path and query, if not those of the URL
        raises  NoAnswer; SinkUnavailable when nobody could have taken it; AddressRefused
        """
        try:
            return self._send(method, headers, body, target or self._target)
        except (exceptions.TimeoutError, exceptions.ProtocolError, TimeoutError) as fault:
            if isinstance(fault, exceptions.ConnectTimeoutError | exceptions.NewConnectionError):
                raise SinkUnavailable(f"{self.url}: {_why(fault)}") from fault
            raise NoAnswer(f"no whole answer: {_why(fault)}") from fault
        except (exceptions.HTTPError, OSError) as fault:
            raise SinkUnavailable(f"{self.url}: {_why(fault)}") from fault

    def close(self) -> None:
        self._pool.close()

    def _send(self, method: str, headers: Mapping[str, str], body: bytes, target: str) -> Answer:
        response = self._pool.urlopen(
            method,
            target,
            body=body or None,
            headers=dict(headers),
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            read = b""
            # One read may be short; only the empty one says that the answer was whole.
            while len(read) <= self._max_bytes:
                chunk = response.read(self._max_bytes + 1 - len(read), decode_content=False)
                if not chunk:
                    break
                read += chunk
            else:
                response.close()  # a connection with an unread rest cannot be used again
        except BaseException:  # whatever it was, the half-read connection must not be kept
            response.close()
            raise
        finally:
            response.release_conn()
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, found, read[: self._max_bytes])


class _TimedSocket(io.RawIOBase):
    """Reads a socket until a moment of the monotonic clock, and no longer."""

    def __init__(self, sock: socket.socket, until_s: float, held: io.BufferedIOBase) -> None:
        self._sock = sock
        self._until_s = until_s
        self._held = held

    def close(self) -> None:
        self._held.close()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer is not complete in time")
        self._sock.settimeout(left_s)
        return self._sock.recv_into(room)


class _WholeHead(io.BufferedReader):
    """What is read line by line has an end of its own: a status and headers that were cut off
    would else pass for an answer without a body.
    """

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line:
            raise ConnectionResetError("the answer ends before its head does")
        return line


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, until_s: float, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        # The reader that was made first is kept: while it is open, so is the socket, which the
        # connection lets go of before the body of an answer without a length has been read.
        self.fp = _WholeHead(_TimedSocket(sock, until_s, self.fp))


def _timed(within_s: float) -> type[http.client.HTTPResponse]:
    """What http.client calls to read an answer: status, headers and body by one deadline."""
    made = partial(_TimedResponse, until_s=time.monotonic() + within_s)
    return cast("type[http.client.HTTPResponse]", made)


@contextlib.contextmanager
def _as_urllib3_says(connection: HTTPConnection) -> Any:
    """A failure to connect in the words of the library, so that it is told from a later one."""
    try:
        yield
    except TimeoutError as late:
        raise exceptions.ConnectTimeoutError(connection, str(late)) from late
    except OSError as fault:
        raise exceptions.NewConnectionError(connection, str(fault)) from fault


class _Http(HTTPConnection):
    answer_within_s: float
    dial: Callable[[str, int], socket.socket]

    def _new_conn(self) -> socket.socket:
        with _as_urllib3_says(self):
            return self.dial(self.host, self.port or 80)

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3 itself
        self.response_class = _timed(self.answer_within_s)
        return super().getresponse()


class _Https(HTTPSConnection):
    answer_within_s: float
    dial: Callable[[str, int], socket.socket]

    def _new_conn(self) -> socket.socket:
        with _as_urllib3_says(self):
            return self.dial(self.host, self.port or 443)

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3 itself
        self.response_class = _timed(self.answer_within_s)
        return super().getresponse()


def _text(file: Path | None) -> str | None:
    return None if file is None else str(file)


def _why(fault: Exception) -> str:
    """The innermost cause, which names the system's own error."""
    cause: BaseException = fault
    while isinstance(cause, exceptions.HTTPError) and cause.__cause__ is not None:
        cause = cause.__cause__
    return f"{type(cause).__name__}: {cause}"[:300]
