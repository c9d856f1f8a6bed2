"""What all tests share: the order in which files are handed to the workers."""

from collections import Counter

import pytest

FIRST = "test_demo_jobs.py"
"""Takes longest, and mostly waits: what comes last keeps three workers idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After that file those with most tests; so the demos, with few, meet the least company."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.name != FIRST, -tests[item.path]))
