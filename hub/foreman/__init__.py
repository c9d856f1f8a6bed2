"""Running jobs: orders, steps, staff, files, and what the record keeps of them."""

from hub.foreman.door import JobDoor

__all__ = ["JobDoor"]
