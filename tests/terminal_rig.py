"""`gashub` on a real terminal."""

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from fcntl import ioctl
from typing import Final

WIDTH: Final = 80


def on_a_terminal(*words: str, typed: Sequence[str] = ()) -> str:
    """What `gashub WORDS` writes to a terminal of 80 columns at which somebody types *typed*, a
    line each, and nothing more.
    """
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    with subprocess.Popen(
        [sys.executable, "-m", "hub", *words],
        stdout=theirs,
        stdin=theirs,
        stderr=subprocess.PIPE,
        env={**env, "TERM": "xterm", "NO_COLOR": "1"},
    ) as process:
        os.close(theirs)
        os.write(ours, "".join(f"{line}\n" for line in typed).encode())
        heard = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end was closed: all has been read
                break
            heard += part
        assert process.stderr is not None
        told = process.stderr.read().decode()
        assert process.wait(30) == 0, told
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", heard.decode()).replace("\r\n", "\n")
