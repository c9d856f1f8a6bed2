r"""A traced hub: its system calls in order, with the calls of all its threads put together again.

strace writes one line a call, or two when another thread's call came between:

    4711 fdatasync(7 <unfinished ...>
    4712 sendto(9, "\x40\x02…", 4, 0, NULL, 0) = 4
    4711 <... fdatasync resumed>)           = 0

Each call gives a `Begun` where its first line stands and a `Done` where its result stands, so
that what was in flight at a cut is known to be in flight.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "open,openat,creat,close,dup,dup2,dup3,write,pwrite64,writev,pwritev,fsync,fdatasync,"
    "sync_file_range,ftruncate,truncate,unlink,unlinkat,rename,renameat,renameat2,"
    "connect,sendto,sendmsg,recvfrom,recvmsg,read,fork,vfork"
)
LONGEST = 4_000_000

_WHOLE = re.compile(r"(\d+)\s+(\w+)\((.*)\)\s*= (-?\w+|\?)(?: (.*))?$")
_BEGUN = re.compile(r"(\d+)\s+(\w+)\((.*?)\s*<unfinished \.\.\.>$")
_RESUMED = re.compile(r"(\d+)\s+<\.\.\. (\w+) resumed>(.*)\)\s*= (-?\w+|\?)(?: (.*))?$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


@dataclass(slots=True)
class Call:
    """One system call. `args` is strace's text; `result` is None while it is in flight."""

    name: str
    args: str
    result: int | None = None

    @property
    def fd(self) -> int:
        """Its first argument as a number; -1 where that is none."""
        first = self.args.split(",", 1)[0].strip()
        return int(first) if first.isdecimal() else -1

    def texts(self) -> list[bytes]:
        """The byte strings among the arguments. A string that strace cut short is an error."""
        found = []
        for quoted, cut in _TEXT.findall(self.args):
            if cut:
                raise ValueError(f"strace cut an argument of {self.name} short: raise LONGEST")
            found.append(bytes.fromhex(quoted.replace("\\x", "")))
        return found

    def last_number(self) -> int:
        return int(self.args.rsplit(",", 1)[1])


@dataclass(slots=True)
class Begun:
    call: Call


@dataclass(slots=True)
class Done:
    call: Call


Event = Begun | Done


def strace(log: Path) -> list[str]:
    """The words to put before a command so that *log* holds its calls."""
    return [
        "strace", "-f", "-qq", "-xx", "-s", str(LONGEST), "--seccomp-bpf",
        "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(log),
    ]  # fmt: skip


def events(lines: Iterable[str]) -> Iterator[Event]:
    """Calls as they began and ended, in the order of the trace.

    raises  ValueError for a line that is none of the three forms
    """
    in_flight: dict[str, Call] = {}
    for raw in lines:
        line = raw.rstrip("\n")
        if whole := _WHOLE.match(line):
            pid, name, args, result, _ = whole.groups()
            call = Call(name, args)
            yield Begun(call)
        elif begun := _BEGUN.match(line):
            pid, name, args = begun.groups()
            call = in_flight[pid] = Call(name, args)
            yield Begun(call)
            continue
        elif resumed := _RESUMED.match(line):
            pid, name, args, result, _ = resumed.groups()
            call = in_flight.pop(pid)
            if call.name != name:
                raise ValueError(f"{name} resumed where {call.name} was in flight: {line[:200]}")
            call.args += args
        elif " +++ " in line or " --- " in line or "???" in line:
            continue
        else:
            raise ValueError(f"not a line of strace: {line[:200]}")
        call.result = int(result, 0) if result != "?" else -1
        yield Done(call)
