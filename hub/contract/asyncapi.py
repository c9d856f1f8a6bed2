"""The AsyncAPI 3.0 document of what the hub sends, written from the models.

Source: AsyncAPI specification 3.0.0; HTTP binding 0.3.0.
"""

from typing import Any, Final

from hub.contract.schemas import EVENTS, schema
from hub.events import CONTENT_TYPE, CONTRACT

_REQUEST: Final = {
    "type": "object",
    "required": ["idempotency-key", "webhook-id", "webhook-timestamp", "webhook-signature"],
    "properties": {
        "idempotency-key": {
            "type": "string",
            "description": "The same over every retry and replay of an event to this receiver.",
        },
        "webhook-id": {
            "type": "string",
            "description": "The same value; this one is signed. Refuse a request where they "
            "differ.",
        },
        "webhook-timestamp": {
            "type": "string",
            "pattern": "^[0-9]+$",
            "description": "Seconds since 1970, of this attempt.",
        },
        "webhook-signature": {
            "type": "string",
            "description": "One or two Standard Webhooks signatures (v1), a space apart.",
        },
        "authorization": {
            "type": "string",
            "description": "`Bearer` and the token, where one was agreed. A token in place of the "
            "signature proves nothing about the body: verify that as well.",
        },
    },
}


def asyncapi() -> dict[str, Any]:
    """The whole document, in JSON's types. Every `$ref` leads to a place inside of it."""
    names = {kind: kind.split(".")[1] for kind in EVENTS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "gashub events",
            "version": CONTRACT,
            "description": "What a gashub gateway sends to a CRM or ERP by signed webhook, at "
            "least once and in order for each work order. contract.md says what to answer.",
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            "events": {
                "address": "/",
                "description": "The address that is set as `url` of the sink on the gateway, or "
                "the one that its `routes` name for a type.",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in names.values()
                },
            }
        },
        "operations": {
            "deliver": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "bindings": {
                    "http": {
                        "method": "POST",
                        "query": {"type": "object", "properties": {}},
                        "bindingVersion": "0.3.0",
                    }
                },
                "messages": [
                    {"$ref": f"#/channels/events/messages/{name}"} for name in names.values()
                ],
            }
        },
        "components": {
            "messages": {name: _message(kind, name) for kind, name in names.items()},
            "schemas": {kind: _inside(kind) for kind in names},
        },
    }


def _message(kind: str, name: str) -> dict[str, Any]:
    said = (EVENTS[kind].model_fields["data"].annotation.__doc__ or "").strip()
    return {
        "name": kind,
        "title": name,
        "summary": said.splitlines()[0],
        "contentType": CONTENT_TYPE,
        "headers": _REQUEST,
        "payload": {"$ref": f"#/components/schemas/{kind}"},
    }


def _inside(kind: str) -> dict[str, Any]:
    """The schema, with references that hold where it stands in the document."""
    found = schema(kind)
    del found["$schema"], found["$id"]
    return {name: _moved(value, f"#/components/schemas/{kind}") for name, value in found.items()}


def _moved(value: Any, home: str) -> Any:
    if isinstance(value, dict):
        return {
            name: home + one[1:] if name == "$ref" else _moved(one, home)
            for name, one in value.items()
        }
    return [_moved(one, home) for one in value] if isinstance(value, list) else value
