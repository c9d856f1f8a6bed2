"""What every simulator process shares: the clock, the script, commands on stdin, answers on stdout.

Answers are JSON lines: `{"ready": NAME, ...}` once the instrument can be used, then one
`{"done": ACTION, "at_us": ...}` or `{"refused": ACTION, "why": ...}` per action carried out, so
that a caller can wait for each.
"""

import json
import os
import select
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Self, TextIO

from hub.clock import Clock
from hub.simulate.script import Action, Cue, Timeline, parse_action

Perform = Callable[[Action, int], None]
"""Carry out an action at a hub instant; ValueError when this instrument has no such action."""

_MOST_COMMANDS = 100


class Stand:
    """Turns cues and commands into actions on the thread that calls `turn`.

    attended  the process ends when its stdin does, so that it cannot outlive who started it
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        cues: Sequence[Cue],
        commands: TextIO | None = None,
        answers: TextIO | None = None,
        attended: bool = False,
    ) -> None:
        self.name = name
        self.clock = clock
        self.stop = threading.Event()
        self.wake = threading.Event()
        """Set by a command and by a stop; whoever waits for it clears it before `turn`."""
        self._timeline = Timeline(cues, clock.now_us())
        self._commands = commands if commands is not None else sys.stdin
        self._answers = answers if answers is not None else sys.stdout
        self._attended = attended
        self._waiting: deque[str] = deque(maxlen=_MOST_COMMANDS)
        self._ear = threading.Thread(target=self._listen, name=f"commands:{name}")
        self._end_read, self._end_write = os.pipe()

    def __enter__(self) -> Self:
        self._ear.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        os.close(self._end_write)
        self._ear.join()
        os.close(self._end_read)
        self.clock.forget(self.name)

    def obey_signals(self) -> None:
        """SIGTERM and SIGINT end the process in order. Main thread only."""
        for which in (signal.SIGTERM, signal.SIGINT):
            signal.signal(which, lambda *_: self._end())

    def ready(self, **facts: str) -> None:
        self._answer({"ready": self.name, **facts})

    def turn(self, perform: Perform) -> None:
        """Carry out what has come due and what was commanded; say so on stdout."""
        for at_us, action in self._timeline.due(self.clock.now_us()):
            self._carry_out(perform, action, at_us)
        while self._waiting:
            text = self._waiting.popleft()
            try:
                action = parse_action(text)
            except ValueError as wrong:
                self._answer({"refused": text, "why": str(wrong)})
                continue
            self._carry_out(perform, action, self.clock.now_us())

    def rest(self, s: float) -> None:
        """Wait *s* hub seconds, or less: until a command, the next cue or the end.

        From then on time waits for this process: it has an instant to keep.
        """
        next_us = self._timeline.next_us()
        if next_us is not None:
            s = min(s, (next_us - self.clock.now_us()) / 1e6)
        self.clock.beat(self.name)
        self.clock.wait(self.wake, max(0.0, s))
        if not self.stop.is_set():
            self.wake.clear()

    def pause(self, real_s: float) -> None:
        """Wait *real_s* of real time, or until a command. Hub time does not wait for this."""
        self.wake.wait(real_s)
        if not self.stop.is_set():
            self.wake.clear()

    def _carry_out(self, perform: Perform, action: Action, at_us: int) -> None:
        try:
            perform(action, at_us)
        except ValueError as wrong:
            self._answer({"refused": str(action), "why": str(wrong)})
        else:
            self._answer({"done": str(action), "at_us": at_us})

    def _answer(self, answer: dict[str, Any]) -> None:
        try:
            self._answers.write(json.dumps(answer) + "\n")
            self._answers.flush()
        except BrokenPipeError:
            self._end()

    def _listen(self) -> None:
        pending = b""
        stdin = self._commands.fileno()
        while not self.stop.is_set():
            ready, _, _ = select.select([stdin, self._end_read], [], [])
            if self._end_read in ready:
                return
            heard = os.read(stdin, 4096)
            if not heard:
                if self._attended:
                    self._end()
                return
            *lines, pending = (pending + heard).split(b"\n")
            for line in lines:
                if line.strip():
                    self._waiting.append(line.decode(errors="replace").strip())
                    self.wake.set()

    def _end(self) -> None:
        self.stop.set()
        self.wake.set()
