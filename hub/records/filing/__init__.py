"""What is due with an authority, and the draft of a filing: queries over the one ledger."""

from hub.records.filing.drafting import draft
from hub.records.filing.due import due

__all__ = ["draft", "due"]
