"""The demo's processes: started one after another, watched, and ended in the opposite order."""

import json
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

READY_WITHIN_S = 30.0
ANSWER_WITHIN_S = 30.0
END_WITHIN_S = 15.0
_LOOK_S = 0.05


class DemoFailed(Exception):
    """The demo cannot go on. The text says what failed and where to look."""


class Process:
    """One child. `log` has its stderr, and its stdout too unless that is read here."""

    def __init__(
        self, name: str, argv: Sequence[str], folder: Path, env: Mapping[str, str], spoken: bool
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        pipe = subprocess.PIPE if spoken else None
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C comes to the demo alone, which ends them in order.
            self.popen = subprocess.Popen(
                [*argv],
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or log,
                stderr=log,
                env={**os.environ, **env},
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def end(self) -> None:
        """SIGTERM, and SIGKILL if that is not heard. Safe twice."""
        if self.running:
            self.popen.terminate()
            try:
                self.popen.wait(END_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream is not None:
                stream.close()

    def last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else "no output"


class Simulator(Process):
    """A child that takes commands on stdin and answers each with a JSON line. Thread-safe."""

    def __init__(
        self, name: str, argv: Sequence[str], folder: Path, env: Mapping[str, str]
    ) -> None:
        super().__init__(name, argv, folder, env, spoken=True)
        self._one_at_a_time = threading.Lock()
        self._heard = b""

    def ready(self) -> Mapping[str, Any]:
        """Wait for its first line, which says that it can be used."""
        return self._answer(READY_WITHIN_S)

    def tell(self, action: str) -> None:
        """Have it carry out *action*. Raises DemoFailed when it refuses or is silent."""
        stdin = self.popen.stdin
        assert stdin is not None, "a simulator is spoken to"
        with self._one_at_a_time:
            try:
                stdin.write(action.encode() + b"\n")
                stdin.flush()
            except OSError as gone:
                raise DemoFailed(f"{self.name} has ended: {self.last_words()}") from gone
            answer = self._answer(ANSWER_WITHIN_S)
        if "done" not in answer:
            raise DemoFailed(f"{self.name} refused {action!r}: {answer.get('why')}")

    def _answer(self, within_s: float) -> Mapping[str, Any]:
        stdout = self.popen.stdout
        assert stdout is not None, "a simulator is listened to"
        until_s = time.monotonic() + within_s
        while b"\n" not in self._heard:
            left_s = max(0.0, until_s - time.monotonic())
            if not select.select([stdout], [], [], left_s)[0]:
                raise DemoFailed(f"{self.name} did not answer in {within_s:.0f} s; see {self.log}")
            heard = os.read(stdout.fileno(), 4096)
            if not heard:
                raise DemoFailed(f"{self.name} has ended: {self.last_words()}; see {self.log}")
            self._heard += heard
        line, _, self._heard = self._heard.partition(b"\n")
        answer: Mapping[str, Any] = json.loads(line)
        return answer


class Fleet:
    """All children of the demo. A context: whatever happens, none is left behind."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = env
        self._children: list[Process] = []
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self, name: str, argv: Sequence[str]) -> Process:
        child = Process(name, argv, self._folder, self._env, spoken=False)
        self._children.append(child)
        return child

    def simulate(self, name: str, argv: Sequence[str]) -> Simulator:
        child = Simulator(name, argv, self._folder, self._env)
        self._children.append(child)
        return child

    def forget(self, child: Process) -> None:
        """It has ended, and was meant to."""
        child.end()
        self._children.remove(child)

    def check(self) -> None:
        """Raises DemoFailed when a child has ended by itself."""
        for child in self._children:
            if not child.running:
                raise DemoFailed(
                    f"{child.name} ended with {child.popen.returncode}: {child.last_words()}; "
                    f"see {child.log}"
                )

    def end(self) -> None:
        while self._children:
            self._children.pop().end()


def wait_until(what: str, is_so: Callable[[], bool], fleet: Fleet, stop: threading.Event) -> None:
    """Look at *is_so* until it is true. Raises DemoFailed when time is up or a child has ended."""
    until_s = time.monotonic() + READY_WITHIN_S
    while not is_so():
        fleet.check()
        if time.monotonic() > until_s:
            raise DemoFailed(f"{what}: not in {READY_WITHIN_S:.0f} s")
        if stop.wait(_LOOK_S):
            raise DemoFailed("stopped")
