"""What all tests share: the order in which files are handed to the workers."""

from collections import defaultdict
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests say that they may take longest go first, so that none is left for last."""
    longest_s: dict[Path, float] = defaultdict(float)
    for item in items:
        if mark := item.get_closest_marker("timeout"):
            longest_s[item.path] = max(longest_s[item.path], float(mark.args[0]))
    items.sort(key=lambda item: -longest_s[item.path])
