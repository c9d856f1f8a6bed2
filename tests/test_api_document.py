"""The page about the API: its lines run as they stand, and its words are the program's."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.api.problems import STATUS
from hub.tokens import SCOPES
from tests.api_rig import House

PAGE = (Path(__file__).parent.parent / "docs" / "api.md").read_text("utf-8")
LINES = re.findall(r"^curl .*$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("page")) as made:
        (made.folder / "photo.jpg").write_bytes(b"\xff\xd8\xff a picture")
        yield made


def test_every_line_with_curl_does_what_it_says(house: House) -> None:
    """In their order, each with an answer below 400."""
    env = {**os.environ, "API": f"http://127.0.0.1:{house.port}", "TOKEN": house.token()}
    for line in LINES:
        rows = house.rows("SELECT entry FROM orders")
        env["VERSION"] = str(rows[0][0]) if rows else ""
        strict = line.replace("curl -s", "curl -s --fail-with-body")
        said = subprocess.run(
            ["sh", "-c", strict], cwd=house.folder, env=env, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert said.returncode == 0, (line, said.stdout, said.stderr)
    assert len(LINES) == 11
    assert (house.folder / "evidence.zip").read_bytes().startswith(b"PK")
    assert house.rows("SELECT state FROM orders") == [("aborted",)]


def test_every_problem_stands_in_the_table_with_its_status() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| ([^|]+) \|", PAGE, re.MULTILINE)
    told = {word: codes for codes, words in rows for word in re.findall(r"`(\w+)`", words)}

    assert set(told) == set(STATUS)
    assert [word for word, codes in told.items() if str(STATUS[word]) not in codes] == []


def test_every_scope_is_on_the_page() -> None:
    for scope in SCOPES:
        thing, _, act = scope.partition(":")
        assert f"`{thing}`" in PAGE or f"`{scope}`" in PAGE, scope
        assert f":{act}`" in PAGE, scope
