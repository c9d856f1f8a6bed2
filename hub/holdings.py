"""What a far side has of ours, as a sink can ask it, for `gashub reconcile`."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from hub.model import Said


class Held(NamedTuple):
    """What a far side has under one of our keys.

    sha256  of the event's bytes as it has them, hex; "" when it keeps none
    word    the verdict as it shows it there: PASS, FAIL, or "" for anything else
    place   where one finds it there
    """

    key: str
    sha256: str
    word: str
    place: str


@runtime_checkable
class TellsHoldings(Protocol):
    """A sink whose far side can be asked what it has of this sink's, for `gashub reconcile`.

    `holdings` yields everything of the kind `verdict` that was put there since *from_us* (hub
    time, a day of grace included), twice what is there twice. It is called beside `deliver`, from
    another thread, and has a connection of its own. It raises Fault or OSError.
    """

    def holdings(self, from_us: int) -> Iterator[Held]: ...


class Filed(NamedTuple):
    """What an authority has of one filing, as it says or as it lies there.

    there   whether it has it; None: nothing was said of it that means anything, `place` says what
    said    what it says of it; None where it cannot say anything (a folder)
    sha256  of the document as it lies there, hex; "" where nobody can see it
    place   where one finds it there
    keeps   False for a folder that things are taken out of: its being gone says nothing by itself
    """

    filing: str
    there: bool | None
    said: Said | None = None
    sha256: str = ""
    place: str = ""
    keeps: bool = True


@runtime_checkable
class TellsFilings(Protocol):
    """A sink whose authority can be asked what it has, for `gashub reconcile gov`.

    `filed` yields one `Filed` for each of *filings* (ids), and one for each other that it comes
    upon. Called as `holdings` is, and raises alike. It sends nothing and changes nothing.
    """

    def filed(self, filings: Sequence[str]) -> Iterator[Filed]: ...
