"""Everything that can go wrong, as types the hub knows how to answer."""


class Fault(Exception):
    """A failure the hub has an answer for. Anything else is a bug and is treated as one."""


class ConfigError(Fault):
    """The configuration cannot be used. Names file, path, value, rule and remedy."""


class InstrumentSilent(Fault):
    """No answer within the time budget. The hub marks the instrument lost and asks again."""


class BadFrame(Fault):
    """Bytes arrived that are not a frame of this protocol. Never a reading, never a guess."""


class NeedsEarlier(Fault):
    """A recorded message that cannot be read again alone; the text says what stood before it."""


class PortGone(Fault):
    """The serial port is missing, busy, forbidden or broken; the text says which, and the remedy.

    The line's thread closes the port, backs off and opens it again.
    """


class LinkDown(Fault):
    """The far side of a driver's own transport (a broker) cannot be reached; tried again."""


class SinkUnavailable(Fault):
    """The far side of a sink cannot be reached now. The parcels are kept and tried again.

    `retry_after_s` is the least wait that the far side asked for.
    """

    def __init__(self, text: str, retry_after_s: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class NoAnswer(Fault):
    """A request was sent and no whole answer came: it may have been acted on, or may still be.

    A far side that keeps no keys of ours must be asked what it has before anything is sent again.
    """


class SinkPaused(Fault):
    """The far side refuses our credentials (401, 403). The channel waits; no parcel is burnt."""


class StoreUnavailable(Fault):
    """The ledger cannot take entries now (disk full, read-only, I/O error).

    Nothing was acknowledged. Input is refused until the store recovers by itself.
    """


class StoreDamaged(Fault):
    """The ledger file is corrupt, truncated or not ours. It is kept; the hub goes read-only."""


class CommandRefused(Fault):
    """An operator's command that cannot be carried out; says why and what to do instead.

    code  the sort of refusal, for programs: `absent` (there is no such thing), `conflict` (what is
          there speaks against it), `stale` (another version stands), `reused` (a key that stood
          for another request), `busy` (not now), `too_large`, or "" (the request itself is
          unusable)
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code
