"""Noise that is the same whenever an instant is looked at again: seeded by the instant."""

import random


def draw(seed: int, at_us: int, every_us: int) -> random.Random:
    """The dice of the update that holds at *at_us*, for a device that updates each *every_us*."""
    return random.Random(f"{seed}:{at_us // every_us}")
