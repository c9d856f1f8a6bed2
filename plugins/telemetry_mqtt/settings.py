"""What an operator may set for the way to the data platform."""

from pydantic import Field, field_validator

from hub import BrokerSettings


class TelemetrySettings(BrokerSettings):
    """The platform's broker, and how readings are put into messages."""

    topic: str = Field(
        default="gashub/{gateway}/readings",
        min_length=1,
        max_length=1024,
        description="Topic to publish on; {gateway} stands for this gateway's name.",
    )
    batch_max: int = Field(
        default=500, ge=1, le=10_000, description="Readings in one message, at most."
    )
    window: int = Field(
        default=100, ge=1, le=65535, description="Messages under way before the first is taken."
    )
    ack_within_s: float = Field(
        default=10.0, gt=0, le=300, description="Longest wait for the broker to take anything."
    )
    retry_at_most_s: float = Field(
        default=5.0, ge=1, le=600, description="Longest pause between two attempts to connect."
    )

    @field_validator("topic")
    @classmethod
    def _is_a_topic(cls, topic: str) -> str:
        if "+" in topic or "#" in topic:
            raise ValueError("a topic to publish on has no + or #; those belong in filters")
        return topic
