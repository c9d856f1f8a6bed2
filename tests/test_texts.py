"""Texts: both languages say the same things with the same figures."""

from string import Formatter

import pytest

from hub.procedures import PROCEDURES
from hub.procedures.case import ABORTS
from hub.texts import CATALOGUE, LANGUAGES, say
from hub.texts.api import API
from hub.texts.records import RECORDS

ALL = {lang: {**CATALOGUE[lang], **RECORDS[lang], **API[lang]} for lang in LANGUAGES}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys() -> None:
    """No sentence exists in one language only."""
    assert set(ALL["zh"]) == set(ALL["en"])


@pytest.mark.parametrize("key", sorted(ALL["en"]))
def test_both_languages_use_the_same_figures(key: str) -> None:
    """A figure told to one reader is told to the other; no sentence is empty."""
    zh, en = ALL["zh"][key], ALL["en"][key]

    assert fields(zh) == fields(en)
    assert zh.strip()
    assert en.strip()


def test_every_procedure_and_abort_has_its_words() -> None:
    """The verdict's sentence can be said for all of them."""
    keys = set(CATALOGUE["en"])

    assert {f"judge.procedure.{name}" for name in PROCEDURES} <= keys
    assert {f"judge.reason.{word}" for word in ABORTS} <= keys


def test_an_unknown_key_is_our_fault_and_loud() -> None:
    """A missing text is never shown as its key."""
    with pytest.raises(KeyError):
        say("en", "judge.nothing")
