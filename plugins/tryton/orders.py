"""A work order from Tryton: the task's number, and its attached file `gashub.json`."""

import json
from collections.abc import Mapping
from typing import Any, Final

from hub import ConfigError
from plugins.tryton.places import Places
from plugins.tryton.rest import Rest, data_of

FILE: Final = "gashub.json"


def order_in(rest: Rest, places: Places, number: str) -> Mapping[str, Any] | None:
    """The order, with the task's number whatever number stands in the file.

    returns  None without such a task or file
    raises   ConfigError for a file that holds no JSON object
    """
    task = places.task(number)
    if task is None or task["number"] != number:
        return None
    domain = [["resource", "=", f"project.work,{task['id']}"], ["name", "=", FILE]]
    files = rest.find("ir.attachment", domain, "data")
    if not files:
        return None
    try:
        given = json.loads(data_of(files[-1]["data"]))
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise ConfigError(
            f"Tryton's task {number}: its file {FILE} is no JSON object; attach one in the form "
            "of `gashub order add` (docs/judge.md)"
        )
    return {**given, "number": number}
