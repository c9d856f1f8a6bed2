"""The yardstick of bench/ingest.py: a paho client that receives and counts, and nothing else.

    python bench/bare_client.py PORT COUNT

Takes up the session "bench" and drains its queue; prints JSON: messages a second between the
first and the last message, and processor microseconds per message.
"""

import json
import sys
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main() -> int:
    port, count = int(sys.argv[1]), int(sys.argv[2])
    seen, first_s, cpu_s = 0, 0.0, 0.0
    figures: dict[str, float] = {}

    def on_message(client: mqtt.Client, _data: Any, _message: mqtt.MQTTMessage) -> None:
        nonlocal seen, first_s, cpu_s
        if seen == 0:
            first_s, cpu_s = time.perf_counter(), time.process_time()
        seen += 1
        if seen == count:
            figures["per_s"] = round(count / (time.perf_counter() - first_s))
            figures["cpu_us"] = round((time.process_time() - cpu_s) / count * 1e6, 1)
            client.disconnect()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench", clean_session=False)
    client.on_message = on_message
    client.on_connect = lambda *_: client.subscribe("instruments/+/reading", 1)
    client.connect("127.0.0.1", port)
    client.loop_forever()
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
