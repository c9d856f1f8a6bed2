"""Which names a new plugin and its package may have, and what else to write in place of one."""

import keyword
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from hub.errors import CommandRefused
from hub.procedures import BUILT_IN
from hub.registry import built_in_plugins

_NAME = re.compile(r"[a-z][a-z0-9_]{1,23}")
_LIKE = "my_gauge"


def fit_for_file(name: str) -> None:
    """Raises CommandRefused, with a name that would do, for one that is not lower_case."""
    if not _NAME.fullmatch(name):
        raise CommandRefused(
            f"{name!r}: write 2 to 24 small letters, digits and _, a letter first: {_near(name)}"
        )


def fit_for_plugin(name: str) -> None:
    """Raises CommandRefused for a name that Python or the hub has another use for."""
    fit_for_file(name)
    if keyword.iskeyword(name):
        raise CommandRefused(f"{name!r} is a word of Python's; say more: {name}_gauge")
    if name in sys.stdlib_module_names:
        raise CommandRefused(f"{name!r} is a module of Python's; say more: {name}_gauge")
    if name in {"hub", "plugins", *built_in_plugins(), *(kind.name for kind in BUILT_IN)}:
        raise CommandRefused(
            f"{name!r} is gashub's own, and no two kinds of a gateway may share a name; "
            f"say more: {name}_2"
        )


class Home(NamedTuple):
    """Where a package stands.

    dotted  its name
    path    the folder from which it is imported
    found   whether Python finds it there without being told
    """

    dotted: str
    path: Path
    found: bool


def home_of(package: Path) -> Home:
    """Of *package*, a folder that need not be there yet; resolved.

    raises  CommandRefused for one that cannot be imported by its name, or would stand in the way
            of another package
    """
    parts, at = [package.name], package.parent
    while (at / "__init__.py").is_file():
        parts.insert(0, at.name)
        at = at.parent
    for part in parts:
        if not part.isidentifier() or keyword.iskeyword(part):
            raise CommandRefused(
                f"{package}: {part!r} cannot be the name of a Python package; "
                f"take another folder: {_near(part + '_plugins')}"
            )
    top = parts[0]
    there = _places(top)
    if top in sys.stdlib_module_names or (there and at / top not in there):
        raise CommandRefused(
            f"{package}: Python knows another {top!r}, and would import that one; "
            f"take another folder: {top}_plugins"
        )
    return Home(".".join(parts), at, bool(there))


def _places(top: str) -> list[Path]:
    """Where Python would take package or module *top* from now; none when it knows none."""
    spec = find_spec(top)
    if spec is None:
        return []
    places = spec.submodule_search_locations or [spec.origin or top]
    return [Path(place).resolve() for place in places]


def _near(name: str) -> str:
    """*name* as it would have to be written, or an example where nothing of it can stay."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    tried = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:24].rstrip("_")
    return tried if _NAME.fullmatch(tried) and not keyword.iskeyword(tried) else _LIKE
