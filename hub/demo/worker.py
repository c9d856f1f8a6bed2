"""One technician who works a whole job: steps by the regulations, tests by their instruments."""

import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from copy import copy
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from hub.clock import Clock
from hub.demo.operator import Operator
from hub.demo.processes import DemoFailed, Simulator

Before = Callable[["Worker", str], None]
"""Called before each step with its name: where the tests try what is forbidden."""


class Worker(Operator):
    """What a technician can do with `gashub job` and `gashub order event`, and with the hands."""

    def __init__(
        self,
        number: str,
        socket: Path,
        clock: Clock,
        instruments: Mapping[str, Simulator],
        stop: threading.Event,
        by: str,
        before: Before,
        say: Callable[[str, Mapping[str, str], str], None],
    ) -> None:
        super().__init__(number, socket, clock, instruments, stop)
        self._by = by
        self._before = before
        self._tell = say
        self._step = ""

    def order(self, order: Mapping[str, Any]) -> None:
        """`gashub job open`."""
        answer = self._call(
            "job.open", text=orjson.dumps({"number": self.number, **order}).decode()
        )
        self._must(answer, "open")
        shown = self.shown()
        self._say(shown["title"], shown["clause"])

    def do(self, step: str, by: str = "", **answers: Any) -> None:
        """`gashub job do`: it must be allowed."""
        self._before(self, step)
        self._must(self.attempt(step, by, **answers), step)
        self._step = step
        self._say_step()

    def attempt(self, step: str, by: str = "", **answers: Any) -> Mapping[str, Any]:
        """`gashub job do`, whatever comes of it."""
        found: Mapping[str, Any] = self._call(
            "job.do",
            number=self.number,
            step=step,
            by=by or self._by,
            answers=answers,
        )
        return found

    def photo(self, what: str) -> str:
        """A picture that the hub has from now on; its SHA-256."""
        data = _JPEG + f"{self.number} {what}".encode()
        digest = sha256(data).hexdigest()
        piece = b64encode(data).decode()
        self._call("file.put", sha256=digest, size=str(len(data)), base64=piece)
        return digest

    def shown(self) -> Mapping[str, Any]:
        """`gashub job show`."""
        found: Mapping[str, Any] = self._call("job.show", number=self.number, by=self._by)
        return found

    def items(self, checklist: str, **other: Any) -> dict[str, Any]:
        """Every item of a checklist in order, but for *other*."""
        return {name: other.get(name, "ok") for name in self.shown()["checklists"][checklist]}

    def another(self, number: str) -> "Worker":
        """The same technician in another job."""
        mate = copy(self)
        mate.number = number
        return mate

    def until_decided(self, within_s: float) -> None:
        super().until_decided(within_s)
        self._say_step()

    def _say_step(self) -> None:
        """The step done last, with its verdict where there is one."""
        step = next(one for one in self.shown()["steps"] if one["step"] == self._step)
        verdict = f": {step['verdict']}" if step.get("verdict") else ""
        self._say({lang: text + verdict for lang, text in step["text"].items()}, step["clause"])

    def _say(self, text: Mapping[str, str], clause: str) -> None:
        self._tell(self.number, text, clause)

    def _must(self, answer: Mapping[str, Any], step: str) -> None:
        if not answer["done"]:
            why = "; ".join(one["text"]["en"] for one in answer["refusals"])
            raise DemoFailed(f"{self.number}: {step} was refused: {why}")


# The smallest thing that is a JPEG by its first bytes.
_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
