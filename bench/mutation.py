"""Mutation testing of the judging code: does some test fail for every slip in a rule?

mutmut changes hub/procedures one operator, constant or word at a time, in a copy of the tree, and
runs the judge's tests against each change. Prints killed/total and every survivor; JSON with
--json. docs/mutation-survivors.md says why each survivor is none; one that it does not name is
listed under `unexplained`.

    python bench/mutation.py                 all mutants (about 20 minutes on 2 cores)
    python bench/mutation.py --sample 200    as many, drawn by seed; the count is printed
"""

import argparse
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

# What a mutant changed: function, and its first line before and after, without indentation.
Slip = tuple[str, str, str]

ROOT = Path(__file__).resolve().parent.parent
SURVIVORS = ROOT / "docs" / "mutation-survivors.md"
COPIED = ("hub", "plugins", "config", "tests", "pyproject.toml", "README.md")
# mutmut's exit codes: the tests failed (or pytest broke on the mutant), or ran out of time.
KILLED = {1, 3, 36, -24, 24, 152, 255}
TARGET_PCT = 95.0
# A handful of small functions: running them makes mutmut write all mutants and its statistics.
PROBE = "hub.procedures.hold_spec.x_us__*"


def mutmut(tree: Path, names: list[str], children: int) -> None:
    """Run mutmut on some mutants, or on all when no name is given."""
    command = [str(Path(sys.executable).parent / "mutmut"), "run", "--max-children", str(children)]
    log = tree / "mutmut.log"
    with log.open("ab") as out:
        done = subprocess.run([*command, *names], cwd=tree, stdout=out, stderr=out, check=False)
    if not list(tree.glob("mutants/hub/procedures/*.meta")):
        tail = log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"mutmut made no mutants (exit {done.returncode}):\n{tail}")


def results(tree: Path) -> dict[str, int | None]:
    """Exit code of the tests by mutant; None: not run."""
    codes: dict[str, int | None] = {}
    for meta in sorted(tree.glob("mutants/hub/procedures/*.meta")):
        codes |= json.loads(meta.read_text())["exit_code_by_key"]
    return codes


def report(codes: dict[str, int | None], total: int) -> dict[str, Any]:
    """Counts and survivors of those that ran."""
    ran = {name: code for name, code in codes.items() if code is not None}
    survivors = sorted(name for name, code in ran.items() if code not in KILLED)
    killed = len(ran) - len(survivors)
    return {
        "mutants": total,
        "ran": len(ran),
        "killed": killed,
        "killed_pct": round(100 * killed / len(ran), 2) if ran else 0.0,
        "target_pct": TARGET_PCT,
        "survivors": survivors,
        "by_module": dict(Counter(name.rsplit(".", 1)[0] for name in survivors).most_common()),
    }


def explained(document: str) -> set[Slip]:
    """Every slip that the document names: `## MODULE FUNCTION`, then "- `old` -> `new`" lines."""
    slips: set[Slip] = set()
    function = ""
    for line in document.splitlines():
        if heading := re.fullmatch(r"## (\S+) (\S+)", line):
            function = f"{heading[1]}.{heading[2]}"
        elif slip := re.fullmatch(r"- `(.*)` -> `(.*)`", line):
            slips.add((function, slip[1].strip(), slip[2].strip()))
    return slips


def slip_of(name: str, shown: str) -> Slip:
    """The slip behind a mutant's name, from the diff that `mutmut show` prints of it."""
    module, mangled = name.rsplit("__mutmut_", 1)[0].rsplit(".", 1)
    function = mangled.removeprefix("x_").rsplit("ǁ", 1)[-1]  # a method goes by its own name
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++"))]
    old, new = (
        next((line[1:].strip() for line in lines if line.startswith(sign)), "") for sign in "-+"
    )
    return f"{module}.{function}", old, new


def unexplained(tree: Path, survivors: list[str], document: str) -> list[str]:
    """Survivors that the document does not name."""
    known = explained(document)
    command = [str(Path(sys.executable).parent / "mutmut"), "show"]
    return [
        name
        for name in survivors
        if slip_of(name, subprocess.check_output([*command, name], cwd=tree, text=True))
        not in known
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, help="run only so many, drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="write the report here too")
    options = parser.parse_args()
    document = SURVIVORS.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="gashub-mutation-") as folder:
        tree = Path(folder)
        for name in COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, tree / name)
        chosen: list[str] = []
        if options.sample:
            mutmut(tree, [PROBE], options.children)
            names = sorted(results(tree))
            chosen = random.Random(options.seed).sample(names, min(options.sample, len(names)))
            print(f"{len(chosen)} of {len(names)} mutants, seed {options.seed}")
        mutmut(tree, chosen, options.children)
        codes = results(tree)
        picked = {name: codes[name] for name in chosen} if chosen else codes
        found = report(picked, len(codes))
        found["unexplained"] = unexplained(tree, found["survivors"], document)
    # A sample may fall short by chance: two standard errors are allowed, the whole none.
    share = TARGET_PCT / 100
    slack_pct = 200 * math.sqrt(share * (1 - share) / len(picked)) if chosen else 0.0
    found["floor_pct"] = round(TARGET_PCT - slack_pct, 2)
    found["enough"] = found["killed_pct"] >= found["floor_pct"]
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if found["enough"] and not found["unexplained"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
