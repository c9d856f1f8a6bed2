"""The tamper bench finds everything, and finds nothing where nothing was done."""

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[1] / "bench" / "tamper.py"


def test_every_trial_is_found_and_named(tmp_path: Path) -> None:
    """The same program as the long figure, at a tenth of its trials."""
    out = tmp_path / "out.json"
    done = subprocess.run(
        [sys.executable, str(BENCH), "--trials", "90", "--seed", "7", "--json", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(out.read_text("utf-8"))
    counts = result["counts"]
    assert result["missed"] == []
    assert sum(counts[name]["found and named"] for name in (
        "flip_head", "flip_salt", "flip_body", "delete", "insert", "swap"
    )) == 90  # fmt: skip
    assert sum(counts["raw_flip"].values()) == 90
    assert counts["raw_flip"]["reported by verify"] > 0
