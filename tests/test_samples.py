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
    box: Part | None = Field(default=None, alias="crate", description="What it lies in.")


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

# What it lies in.
UNUSED
# [link.crate]
# # Its name.
# name = "p"

# # Its size.
# # size_m = 1.50
"""


def test_models_become_tables_below_the_other_keys() -> None:
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
    shown |= set(re.findall(r"^(?:# )*\[+[\w.]+\.(\w+)\]+$", text, re.MULTILINE))

    for model in models()[name]:
        keys = {field.alias or key for key, field in model.model_fields.items()}
        assert keys - shown == set(), model.__name__
        for key, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{key}"


MQTT_DECODERS = {
    "plain_json": "PlainJson",
    "thingsboard_gateway": "ThingsBoardGateway",
    "thingsboard_device": "ThingsBoardDevice",
    "tasmota": "Tasmota",
    "zigbee2mqtt": "Zigbee2Mqtt",
    "wirenboard": "WirenBoard",
    "sparkplug_b": "SparkplugB",
}


def test_the_mqtt_sample_shows_every_decoder_with_its_values() -> None:
    """The models inside the link's own: what the test above relies on."""
    inside = {model.__name__ for model in models()["mqtt"]}

    assert inside == {"MqttSettings", "ValueSettings", *MQTT_DECODERS.values()}


def test_every_table_of_the_mqtt_sample_works_once_it_is_made_live() -> None:
    """All marks off all keys and tables of the topics: one for each decoder, each key accepted."""
    path, text = SAMPLES["mqtt"]
    head, mark, topics = text.partition("[[link.topics]]")
    live = re.sub(r"^(?:# )+(?=\w+ = |\[\[)", "", mark + topics, flags=re.MULTILINE)
    (link,) = tomllib.loads(head + live)["link"]
    given = {key: value for key, value in link.items() if key not in ("name", "kind")}
    settings = check_settings(Registry(["mqtt"]).drivers["mqtt"].settings, given, path, "link")

    assert [topic.decoder for topic in settings.topics] == list(MQTT_DECODERS)
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

    assert settings.topics[1].filter == "spBv1.0/#"
    assert set(given["topics"][1]) == {"decoder", "values"}


def test_the_plain_value_of_modbus_is_taken_into_use_the_same_way() -> None:
    """With the profile that wants it; a table by itself, not one of a list."""
    path, text = SAMPLES["modbus"]
    before, _, table = text.partition(UNUSED)
    used = re.sub(r"^# ?", "", table, flags=re.MULTILINE)
    plain = re.sub(r"^profile = .*", 'profile = "plain"', before, flags=re.MULTILINE)
    (instrument,) = tomllib.loads(plain + used)["line"][0]["instrument"]
    given = {key: value for key, value in instrument.items() if key not in ("name", "kind")}
    settings = check_settings(Registry(["modbus"]).drivers["modbus"].settings, given, path, "line")

    assert settings.value.first == 0
    assert set(given["value"]) == {"register", "type", "quantity", "unit"}
