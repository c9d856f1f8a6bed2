"""One HTTP request with a limit on everything: connecting, the answer's time, the answer's size.

The time limit is for the whole answer. The usual socket timeout starts anew with every byte, so
that a far side which drips its answer could hold the channel for days.
"""

import http.client
import io
import socket
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple, cast

import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Timeout

from hub.errors import NoAnswer, SinkUnavailable


class Answer(NamedTuple):
    """`headers` have lower-case names; `body` is cut at the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _TimedSocket(io.RawIOBase):
    """Reads a socket until a moment of the monotonic clock, and no longer."""

    def __init__(self, sock: socket.socket, until_s: float) -> None:
        self._sock = sock
        # http.client closes the socket at once when the far side will not keep the connection;
        # an open file of it keeps the descriptor until the answer is read.
        self._kept = sock.makefile("rb", buffering=0)
        self._until_s = until_s
        self.ended = False
        """The far side has closed its side; nothing more will come."""

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer is not complete in time")
        self._sock.settimeout(left_s)
        count = self._sock.recv_into(room)
        self.ended = not count
        return count

    def close(self) -> None:
        self._kept.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, until_s: float, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp.close()
        self._raw = _TimedSocket(sock, until_s)
        self.fp = io.BufferedReader(self._raw)

    def begin(self) -> None:
        """Read status and headers. http.client takes an end within them for the end of them."""
        super().begin()
        if self._raw.ended:
            raise http.client.IncompleteRead(b"", None)


def _timed(within_s: float) -> type[http.client.HTTPResponse]:
    """What http.client calls to read an answer: status, headers and body by one deadline."""
    made = partial(_TimedResponse, until_s=time.monotonic() + within_s)
    return cast("type[http.client.HTTPResponse]", made)


class _Http(HTTPConnection):
    answer_within_s: float

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3 itself
        self.response_class = _timed(self.answer_within_s)
        return super().getresponse()


class _Https(HTTPSConnection):
    answer_within_s: float

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3 itself
        self.response_class = _timed(self.answer_within_s)
        return super().getresponse()


class Wire:
    """A kept connection to one address. Never follows a redirect, never retries by itself."""

    def __init__(
        self,
        url: str,
        *,
        connect_within_s: float,
        answer_within_s: float,
        max_bytes: int,
        **tls: Any,
    ) -> None:
        """Take the address; `tls` is ca_certs, cert_file, key_file. Verification is always on."""
        parts = urllib3.util.parse_url(url)
        self._url = url
        self._target = parts.request_uri
        self._max_bytes = max_bytes
        host = parts.host or ""
        timeout = Timeout(connect=connect_within_s, read=answer_within_s)
        limit = {"answer_within_s": answer_within_s}
        pool: urllib3.HTTPConnectionPool
        if parts.scheme == "https":
            pool = urllib3.HTTPSConnectionPool(
                host, parts.port or 443, timeout=timeout, cert_reqs="CERT_REQUIRED", **tls
            )
            pool.ConnectionCls = type("Connection", (_Https,), limit)
        else:
            pool = urllib3.HTTPConnectionPool(host, parts.port or 80, timeout=timeout)
            pool.ConnectionCls = type("Connection", (_Http,), limit)
        self._pool = pool

    def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST to the address itself. raises as `ask`"""
        return self.ask("POST", self._target, headers, body)

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Send one request to *target*, a path with its query, on the address's host.

        raises  SinkUnavailable when nothing can have been acted on: nobody was reached, or it was
                not who we think
                NoAnswer when it may have been acted on: only the far side knows
        """
        try:
            return self._ask(method, target, headers, body)
        except (exceptions.TimeoutError, exceptions.ProtocolError, TimeoutError) as fault:
            if isinstance(fault, exceptions.ConnectTimeoutError | exceptions.NewConnectionError):
                raise SinkUnavailable(f"{self._url}: {_why(fault)}") from fault
            raise NoAnswer(f"no whole answer: {_why(fault)}") from fault
        except (exceptions.HTTPError, OSError) as fault:
            raise SinkUnavailable(f"{self._url}: {_why(fault)}") from fault

    def _ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        response = self._pool.urlopen(
            method,
            target,
            body=body,
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

    def close(self) -> None:
        self._pool.close()


def _why(fault: Exception) -> str:
    """The innermost cause, which names the system's own error."""
    cause: BaseException = fault
    while isinstance(cause, exceptions.HTTPError) and cause.__cause__ is not None:
        cause = cause.__cause__
    return f"{type(cause).__name__}: {cause}"[:300]
