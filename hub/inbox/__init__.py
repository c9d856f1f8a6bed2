"""Orders by files and by messages: a process of its own beside the hub.

A decoder makes orders of bytes, `desk` hands each to the hub, and a reply names what became of
it. Nothing here is loaded by a running hub. Only XLSX files need the extra `api`.
"""

from hub.inbox.serving import serve

__all__ = ["serve"]
