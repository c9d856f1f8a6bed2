"""What a plugin is worth: bronze, silver or gold, by checks that are the same for everyone.

bronze  keeps the contract: front door, described settings, a true sample, close and reset twice,
        random bytes give nothing
silver  documented frames come out as documented; against its simulator on a real pty its readings
        agree, and under every fault no good reading is wrong; its README is whole
gold    fuzzed, soaked, and proved by a capture from a real device that says whose it was

What that means for another sort of kind, and what cannot be asked of it, is in `examining.CHECKS`
and told below the table: a person has no wire, a sink sends no frames of a document.
"""

from hub.conformance.examining import CHECKS, Result, examine
from hub.conformance.subject import Options

__all__ = ["CHECKS", "Options", "Result", "examine"]
