"""`gashub judge`: two files in, one answer out. docs/judge.md is the contract."""

import hashlib
import json
import sys
from argparse import ArgumentParser
from functools import cache
from pathlib import Path
from typing import Any, Final

from hub.order_file import UnusableInput, parse_order, strict_json
from hub.procedures import judge
from hub.readings_file import parse_rows
from hub.rulepack import RulePack, RulePackError, load_pack, shipped_ids

__all__ = ["UnusableInput", "judge_files", "parse_order", "run_judge", "strict_json"]

UNUSABLE: Final = 2


def judge_files(
    order_path: Path | str, readings_path: Path | str, rule_pack: str | None = None
) -> dict[str, Any]:
    """The answer for an order file and its readings, with the digests of both.

    rule_pack  path or id; it comes before the order's own, and that before the default
    raises     UnusableInput: one line naming file, place, value and remedy
    """
    order_bytes, order_text = _read(order_path)
    readings_bytes, readings_text = _read(readings_path)
    given = strict_json(order_text, str(order_path))
    try:
        order = parse_order(given)
    except UnusableInput as error:
        raise UnusableInput(f"{order_path}: {error}") from None
    try:
        rows = parse_rows(readings_text, order)
    except UnusableInput as error:
        raise UnusableInput(f"{readings_path}: {error}") from None
    try:
        pack = _pack(rule_pack or order.rule_pack)
    except RulePackError as error:
        raise UnusableInput(str(error)) from None
    answer = judge(order, rows, pack).to_dict()
    answer["input_sha256"] = {
        "order": hashlib.sha256(order_bytes).hexdigest(),
        "readings": hashlib.sha256(readings_bytes).hexdigest(),
    }
    return answer


def _pack(name: str | None) -> RulePack:
    """A pack that is shipped is read once: whoever judges a thousand series waits for it once."""
    return _shipped(name) if name is None or name in shipped_ids() else load_pack(name)


_shipped = cache(load_pack)


def run_judge(
    order_path: Path | str,
    readings_path: Path | str,
    as_json: bool = False,
    rule_pack: str | None = None,
) -> int:
    """Write the answer to stdout and return 0; or one line to stderr, nothing else, and 2."""
    try:
        answer = judge_files(order_path, readings_path, rule_pack)
    except UnusableInput as error:
        sys.stderr.write(" ".join(str(error).splitlines()) + "\n")
        return UNUSABLE
    shown = json.dumps(answer, ensure_ascii=False) if as_json else _for_people(answer)
    # Bytes: the answer is UTF-8 whatever the locale of the terminal says.
    sys.stdout.flush()
    sys.stdout.buffer.write(shown.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()
    return 0


def _for_people(answer: dict[str, Any]) -> str:
    lines = [
        f"{answer['number']}  {answer['procedure']}  {answer['verdict']}",
        answer["sentence"]["zh"],
        answer["sentence"]["en"],
    ]
    listed = ("reasons", "flags", "not_checked")
    lines += [f"{key}: {', '.join(answer[key])}" for key in listed if answer[key]]
    return "\n".join(lines)


def _read(path: Path | str) -> tuple[bytes, str]:
    """Bytes for the digest, text without a byte order mark (editors add one unasked)."""
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnusableInput(f"{path}: cannot be read ({reason}); check path and rights") from None
    try:
        return content, content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableInput(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from None


def main() -> int:
    """`python -m hub.judgement`, for scripts without the CLI."""
    parser = ArgumentParser(prog="gashub judge", description="Judge one series offline.")
    parser.add_argument("order", type=Path)
    parser.add_argument("readings", type=Path)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--rule-pack")
    options = parser.parse_args()
    return run_judge(options.order, options.readings, options.as_json, options.rule_pack)


if __name__ == "__main__":
    raise SystemExit(main())
