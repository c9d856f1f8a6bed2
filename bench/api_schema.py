"""The running API against its own OpenAPI document, with many made-up requests (schemathesis).

Runs tests/test_api_schema.py with as many examples for each operation as are asked for.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> int:
    words = argparse.ArgumentParser()
    words.add_argument("--examples", type=int, default=400)
    words.add_argument("--json", type=Path)
    given = words.parse_args()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--timeout",
        "3600",
        "tests/test_api_schema.py",
    ]
    env = {**os.environ, "GASHUB_API_EXAMPLES": str(given.examples)}
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    last = ended.stdout.strip().splitlines()[-1] if ended.stdout else ended.stderr
    figures = {"examples": given.examples, "failed": ended.returncode, "said": last}
    text = json.dumps(figures, indent=1)
    if given.json:
        given.json.write_text(text)
    print(text)
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
