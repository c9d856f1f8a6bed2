"""How much of anything one caller may have: requests by the minute, bytes and time of a body."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api.problems import Problem, answer, language
from hub.api_settings import ApiSettings
from hub.texts import Language

MOST_NAMES: Final = 10_000
"""Callers remembered; beyond this the one that was heard of longest ago begins anew."""

LEAST_BYTES_PER_S: Final = 32 << 10
"""A body that comes more slowly than this has `body_within_s` for all of it."""


class Rate:
    """A bucket for each caller, that fills steadily up to `burst`. Any thread."""

    def __init__(self, per_minute: int, burst: int, now_us: Callable[[], int]) -> None:
        self._per_us = per_minute / 60e6
        self._burst = float(burst)
        self._now_us = now_us
        self._held: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> int:
        """0 when the request may go on; else after how many seconds the next one may."""
        now_us = self._now_us()
        with self._lock:
            left, at_us = self._held.pop(name, (self._burst, now_us))
            left = min(self._burst, left + max(0, now_us - at_us) * self._per_us)
            may = left >= 1
            self._held[name] = (left - may, now_us)
            if len(self._held) > MOST_NAMES:
                self._held.popitem(last=False)
        return 0 if may else 1 + int((1 - left) / self._per_us / 1e6)


class Bounded:
    """Refuses bodies that are too large, or that stop coming, before anything else sees them."""

    def __init__(self, app: ASGIApp, settings: ApiSettings, lang: Language) -> None:
        self._app = app
        self._settings = settings
        self._lang = lang

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        is_file = scope["path"].startswith("/v1/files/")
        most = (
            self._settings.largest_file_mib << 20 if is_file else self._settings.largest_body_bytes
        )
        told = headers.get(b"content-length", "0")
        if told.isdecimal() and int(told[:18]) > most:
            lang = language(headers.get(b"accept-language", ""), self._lang)
            response = answer(Problem("too_large", f"{told} bytes; {most} are taken"), lang)
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        had, began_s = 0, monotonic()

        async def measured() -> Message:
            nonlocal had
            within_s = self._settings.body_within_s
            left_s = began_s + within_s + had / LEAST_BYTES_PER_S - monotonic()
            try:
                message = await asyncio.wait_for(receive(), max(0.0, min(within_s, left_s)))
            except TimeoutError:
                raise Problem("too_slow", f"{had} bytes came") from None
            had += len(message.get("body", b""))
            if had > most:
                raise Problem("too_large", f"more than {most} bytes")
            return message

        whole = scope["method"] in ("GET", "HEAD", "DELETE", "OPTIONS")
        await self._app(scope, receive if whole else measured, send)
