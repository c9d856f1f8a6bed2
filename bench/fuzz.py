"""Bent frames by the million: does any of them become a number that the checksum did not owe?

Runs the fuzz tests of every driver plugin at a given count. What a checksum lets through by
chance, and how much that may be, is stated and compared in the tests themselves.

    python bench/fuzz.py --frames 10000000 --json FILE
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=10_000_000, help="frames per protocol")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    began_s = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "fuzzed or random_bytes", "--timeout=0",
         "-p", "no:cacheprovider", "plugins"],
        cwd=ROOT,
        env={**os.environ, "GASHUB_FUZZ_FRAMES": str(options.frames)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    last = ran.stdout.strip().splitlines()[-1] if ran.stdout.strip() else ran.stderr[-500:]
    found = {
        "frames_per_protocol": options.frames,
        "failed": 0 if ran.returncode == 0 else 1,
        "tests": last,
        "seconds": round(time.monotonic() - began_s, 1),
    }
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
