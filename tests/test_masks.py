"""How much of a customer's data is shown where they are masked."""

import pytest

from hub.foreman.personal import FIELDS


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812345678", "138****5678"),
        ("１３８ 1234-5678", "138****5678"),
        ("010-67891234", "010****1234"),
        ("67891234", "****34"),
        ("6789123", "****23"),
        ("678912", "****"),
        ("", "****"),
    ],
)
def test_a_short_phone_number_shows_less(phone: str, shown: str) -> None:
    assert FIELDS["phone"](phone) == shown
