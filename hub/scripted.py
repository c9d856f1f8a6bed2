"""A port that plays a script: what a driver is to send, and what comes back."""

from collections.abc import Sequence

from hub.errors import PortGone
from hub.port import Port, PortSettings


class Unscripted(AssertionError):
    """A driver sends what the script has not; `expected` is None where the script has ended."""

    def __init__(self, sent: bytes, expected: bytes | None) -> None:
        self.sent = sent
        self.expected = expected
        super().__init__(
            f"nothing was to be sent any more, but {sent.hex(' ')} was"
            if expected is None
            else f"sent {sent.hex(' ')}, expected {expected.hex(' ')}"
        )


class ScriptedPort(Port):
    r"""A port that plays a script and never waits.

    script  for each request the parts of its answer: ((b"P?", (b"P=", b"5\r\n")), ...); a
            request that differs is Unscripted, an AssertionError; an answer of () is silence
    stream  what comes without asking, one element per read; PortGone may stand in it
    """

    def __init__(
        self,
        script: Sequence[tuple[bytes, Sequence[bytes]]] = (),
        stream: Sequence[bytes | PortGone] = (),
    ) -> None:
        super().__init__(PortSettings(port="scripted"))
        self._script = list(script)
        self._coming: list[bytes | PortGone] = list(stream)
        self.sent: list[bytes] = []

    @property
    def unasked(self) -> int:
        """Requests of the script that have not been sent yet."""
        return len(self._script)

    @property
    def unread(self) -> int:
        """Parts that have come and were not read yet."""
        return len(self._coming)

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def write(self, sent: bytes) -> None:
        self.sent.append(sent)
        if not self._script:
            raise Unscripted(sent, None)
        expected, answer = self._script.pop(0)
        if sent != expected:
            raise Unscripted(sent, expected)
        self._coming += answer

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        if not self._coming:
            return b""
        part = self._coming.pop(0)
        if isinstance(part, PortGone):
            raise part
        if part[at_most:]:
            self._coming.insert(0, part[at_most:])
        return part[:at_most]

    def discard(self) -> int:
        count = sum(len(part) for part in self._coming if isinstance(part, bytes))
        self._coming.clear()
        return count
