"""Having an act done on the judging thread, inside a transaction, and waiting for the commit."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final

from hub.errors import CommandRefused
from hub.ledger import Transaction

Submit = Callable[[Callable[[Transaction], Any]], "Future[Any]"]
DONE_WITHIN_S: Final = 20.0


class Doing:
    """Carries acts out. `submit` hands one to the judging thread; its future is done when the act
    is durable.
    """

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._here = threading.local()

    def __call__(self, act: Callable[[Transaction], Any]) -> Any:
        """What *act* returns, after the commit. raises CommandRefused

        Inside `within` it is done at once, as a part of the transaction there.
        """
        tx = getattr(self._here, "tx", None)
        if tx is not None:
            return act(tx)
        try:
            return self._submit(act).result(DONE_WITHIN_S)
        except TimeoutError:
            raise CommandRefused(
                f"no answer from the judging thread in {DONE_WITHIN_S:.0f} s; it may still be "
                "done. See `gashub status`",
                "busy",
            ) from None

    @contextmanager
    def within(self, tx: Transaction) -> Iterator[None]:
        """Let what this thread does in the block be part of *tx*."""
        self._here.tx = tx
        try:
            yield
        finally:
            self._here.tx = None
