"""Orders a second through the HTTP API, beside the same orders over the command socket.

Both with one hub, in one run, one request after the other and four at a time; each order durable
before it is answered. Also what the API's process holds in memory.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.api_rig import House, order

CALLERS = 4


def timed(count: int, callers: int, send: Callable[[int], None]) -> tuple[float, float]:
    """Orders a second, and the 95th percentile of one, in milliseconds."""
    took: list[float] = []

    def some(first: int) -> None:
        for at in range(first, count, callers):
            began = time.monotonic()
            send(at)
            took.append(time.monotonic() - began)

    began = time.monotonic()
    threads = [
        threading.Thread(target=some, args=(at,), name=f"caller-{at}") for at in range(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (time.monotonic() - began), sorted(took)[int(len(took) * 0.95)] * 1000


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--orders", type=int, default=400)
    words.add_argument("--json", type=Path)
    given = words.parse_args()
    limits = {"burst": 10_000, "requests_per_minute": 100_000}
    with tempfile.TemporaryDirectory() as folder, House(Path(folder), **limits) as house:
        token = house.token()

        def by_http(name: str) -> Callable[[int], None]:
            def send(at: int) -> None:
                number = f"{name}-{at}"
                said = house.send(
                    "POST", "/v1/orders", order(number), token, Idempotency_Key=number
                )
                assert said.status == 201, said.body

            return send

        def by_socket(name: str) -> Callable[[int], None]:
            def send(at: int) -> None:
                house.ask("order.add", text=json.dumps(order(f"{name}-{at}")))

            return send

        for warm in (by_http("w"), by_socket("v")):
            timed(20, 1, warm)
        figures: dict[str, Any] = {}
        for name, way in (("socket", by_socket), ("http", by_http)):
            for callers in (1, CALLERS):
                rate, p95_ms = timed(given.orders, callers, way(f"{name}{callers}"))
                figures[f"{name}_{callers}"] = {"per_s": round(rate, 1), "p95_ms": round(p95_ms, 1)}
        api = psutil.Process(house.pid("api"))
        figures["ratio"] = round(figures["http_1"]["per_s"] / figures["socket_1"]["per_s"], 3)
        figures["api_rss_mib"] = round(api.memory_info().rss / 2**20, 1)
        figures["orders"] = given.orders
    text = json.dumps(figures, indent=1)
    if given.json:
        given.json.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
