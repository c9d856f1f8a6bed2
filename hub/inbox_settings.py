"""What an operator may set for an inbox: a folder, or a topic of a broker."""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field, model_validator

from hub.mqtt.settings import BrokerSettings
from hub.settings import Settings


class FolderSettings(Settings):
    """A folder in which files with orders appear: .json, .csv and .xlsx."""

    folder: str = Field(min_length=1, examples=["/srv/orders"], description="The folder.")
    quiet_s: float = Field(
        default=3.0, gt=0, description="A file is whole when it has not changed for so long."
    )
    largest_bytes: int = Field(
        default=4_000_000, ge=1000, le=50_000_000, description="A larger file is refused unread."
    )
    encoding: Literal["utf-8", "gb18030"] = Field(
        default="utf-8", description="Encoding of CSV files."
    )
    delimiter: Literal[",", ";", "\t", "|"] = Field(
        default=",", description="What separates the columns of CSV files."
    )


class TopicSettings(BrokerSettings):
    """A topic on which orders are published, as JSON."""

    topic: str = Field(
        min_length=1, examples=["erp/orders"], description="Topic or filter to read, at QoS 1."
    )
    reply_topic: str = Field(
        min_length=1,
        examples=["erp/replies"],
        description="Topic on which the replies are published; it must not match the other one.",
    )
    largest_bytes: int = Field(
        default=700_000, ge=1000, le=900_000, description="A larger message is refused."
    )

    @model_validator(mode="after")
    def _no_circle(self) -> "TopicSettings":
        if {"+", "#"} & set(self.reply_topic):
            raise ValueError("reply_topic has no + or #; those belong in a filter")
        if self.reply_topic == self.topic:
            raise ValueError("reply_topic is the topic that is read: replies would be read back")
        return self


KINDS: Final[Mapping[str, type[Settings]]] = {"folder": FolderSettings, "mqtt": TopicSettings}
