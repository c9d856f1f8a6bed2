"""Samples show every key, also of tables inside tables, and what they show can be used."""

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import BaseModel, Field

from hub import DriverKind, Settings
from hub.config import check_settings
from hub.registry import Registry
from hub.samples import UNUSED, all_samples, sample

SAMPLES = {path.parent.name: (path, text) for path, text in all_samples()}
ANY: Any = None


class Part(Settings):
    """Never shown: there is only this kind."""

    name: str = Field(examples=["p"], description="Its name.")
    size_m: Decimal = Field(default=Decimal("1.50"), description="Its size.")


class Round(Settings):
    """A round one."""

    shape: Literal["round"] = Field(description="Which shape.")
    parts: tuple[Part, ...] = Field(min_length=1, description="What it is made of.")


class Square(Settings):
    """A square one.

    With corners.
    """

    shape: Literal["square"] = Field(description="Which shape.")


class Toy(Settings):
    pieces: tuple[Annotated[Round | Square, Field(discriminator="shape")], ...] = Field(
        description="The pieces."
    )
    spares: list[Part] = Field(default=[], description="Kept in the box.")
    colour: str = Field(default="red", description="Its colour.")
    tags: tuple[str, ...] = Field(default=("a",), description="Words, no table.")


TOY = """
[[link]]
name = "my-link"
kind = "toy"

# Its colour.
# colour = "red"

# Words, no table.
# tags = ["a"]

# The pieces.
#
# A round one.
[[link.pieces]]
# Which shape.
shape = "round"

# What it is made of.
[[link.pieces.parts]]
# Its name.
name = "p"

# Its size.
# size_m = 1.50

# A square one.
#
# With corners.
UNUSED
# [[link.pieces]]
# # Which shape.
# shape = "square"

# Kept in the box.
UNUSED
# [[link.spares]]
# # Its name.
# name = "p"

# # Its size.
# # size_m = 1.50
"""


def test_a_list_of_models_becomes_tables_below_the_other_keys() -> None:
    """One for each kind that may stand there, at any depth; live only where one is mandatory."""
    text = sample(DriverKind("toy", Toy, ANY))

    assert text.strip() == TOY.replace("UNUSED", UNUSED).strip()


def inner_models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model that stands in a type, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from inner_models(field.annotation)
    for inner in get_args(annotation):
        yield from inner_models(inner)


def models() -> dict[str, list[type[BaseModel]]]:
    """Plugin -> the settings models of all its kinds, with those inside them."""
    found = {}
    for name in SAMPLES:
        registry = Registry([name])
        kinds = [*registry.drivers.values(), *registry.sinks.values()]
        found[name] = [inner for kind in kinds for inner in inner_models(kind.settings)]
    return found


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_plugins_sample_shows_and_explains_every_key_at_every_depth(name: str) -> None:
    """Live or commented out; each with a sentence of its settings above it."""
    _, text = SAMPLES[name]
    shown = set(re.findall(r"^(?:# )*(\w+) = ", text, re.MULTILINE))
    shown |= set(re.findall(r"^(?:# )*\[\[[\w.]+\.(\w+)\]\]", text, re.MULTILINE))

    for model in models()[name]:
        assert set(model.model_fields) - shown == set(), model.__name__
        for key, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{key}"


def test_the_mqtt_sample_shows_both_decoders_with_their_values() -> None:
    """Three models inside the link's own: what the test above relies on."""
    inside = {model.__name__ for model in models()["mqtt"]}

    assert inside == {"MqttSettings", "PlainJson", "ThingsBoardGateway", "ValueSettings"}


def test_every_table_of_the_mqtt_sample_works_once_it_is_made_live() -> None:
    """All comment marks off all keys and tables of the topics: two topics, each key accepted."""
    path, text = SAMPLES["mqtt"]
    head, mark, topics = text.partition("[[link.topics]]")
    live = re.sub(r"^(?:# )+(?=\w+ = |\[\[)", "", mark + topics, flags=re.MULTILINE)
    (link,) = tomllib.loads(head + live)["link"]
    given = {key: value for key, value in link.items() if key not in ("name", "kind")}
    settings = check_settings(Registry(["mqtt"]).drivers["mqtt"].settings, given, path, "link")

    assert [topic.decoder for topic in settings.topics] == ["plain_json", "thingsboard_gateway"]
    for topic, keys in zip(settings.topics, given["topics"], strict=True):
        assert set(keys) == set(type(topic).model_fields)
        assert [value.key for value in topic.values] == ["ch4"]


def test_a_table_is_taken_into_use_by_one_mark_off_each_of_its_lines() -> None:
    """As the sample says: what was mandatory in it is live then, the rest still shows defaults."""
    path, text = SAMPLES["mqtt"]
    before, _, table = text.rpartition(UNUSED)
    used = re.sub(r"^# ?", "", table, flags=re.MULTILINE)
    (link,) = tomllib.loads(before + used)["link"]
    given = {key: value for key, value in link.items() if key not in ("name", "kind")}
    settings = check_settings(Registry(["mqtt"]).drivers["mqtt"].settings, given, path, "link")

    assert settings.topics[1].filter == "v1/gateway/telemetry"
    assert set(given["topics"][1]) == {"decoder", "values"}
