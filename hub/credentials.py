"""Named secrets: where their values are found, and how a value differs from a name.

The configuration holds names only. A value comes from systemd's credentials or the environment;
it is never logged, never shown, and never part of an error's text.
"""

import os
import re
from pathlib import Path
from typing import Final

from hub.errors import ConfigError

SOURCE: Final = Path("/etc/gashub/secrets")
"""Where the shipped unit's LoadCredential lines take the values from."""

_FILE_NAME: Final = re.compile(r"[ -.0-~]{1,255}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_RANDOM: Final = re.compile(r"(?=[^_.-]*[0-9])(?=[^_.-]*[A-Za-z])[^_.-]{16,}")
"""Letters and digits in one piece: a key or token, not something that people would say."""
_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
"""An id of ours, which may be shown."""
_INLINE: Final = re.compile(
    r"whsec_|-----BEGIN |://[^/\s@]*:[^/\s@]+@"
    r"|[?&][^=&\s]*(?:token|secret|sig|ticket|auth|key|passw|pwd|credential)[^=&\s]*=[^&\s]",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(
    r"(?P<way>\b[a-z][a-z0-9+.-]*://)(?P<who>[^/\s\"'\\?#]*@)?(?P<place>[^\s\"'\\?#]*)"
    r"(?P<query>[?#](?:[^\s\"'\\]|\\.)*)?",
    re.IGNORECASE,
)
_QUERY: Final = re.compile(r"(?P<name>[?&][\w.%\[\]-]+=)(?:[^&\s\"'\\]|\\.)+")
_HIDDEN: Final = "(not shown)"


def secret(name: str) -> str:
    """The value of a named secret, from systemd's credentials or GASHUB_SECRET_NAME.

    raises  ConfigError saying both places that were looked at, never a value
    """
    if _FILE_NAME.fullmatch(name):
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if folder and (file := Path(folder) / name).is_file():
            return file.read_text(encoding="utf-8").strip()
        if value := os.environ.get(variable(name)):
            return value
    if not is_name(name):
        raise ConfigError(f"{misplaced(name)} stands where the name of a secret belongs")
    raise ConfigError(
        f'secret "{name}" is in neither the systemd credentials nor ${variable(name)}; '
        f"add `LoadCredential={name}:{SOURCE / name}` to the unit"
    )


def missing(name: str) -> str:
    """Why the service would not find this secret, as far as can be told from here; else ""."""
    try:
        secret(name)
    except (ConfigError, OSError, UnicodeDecodeError) as wrong:
        told = str(wrong)
    else:
        return ""
    if os.environ.get("CREDENTIALS_DIRECTORY"):
        return told
    try:
        there = (SOURCE / name).is_file()
    except OSError as fault:
        return f'secret "{name}" cannot be looked for in {SOURCE} ({fault.strerror}); run as root'
    if there:
        return ""
    return (
        f'secret "{name}" is neither the file {SOURCE / name} nor ${variable(name)}; '
        f"write the file, and `LoadCredential={name}:{SOURCE / name}` into the unit"
    )


def variable(name: str) -> str:
    """The environment variable that may hold the secret *name*."""
    return "GASHUB_SECRET_" + name.upper().replace("-", "_").replace(".", "_")


def is_name(text: str) -> bool:
    """Whether *text* looks like the name of a secret rather than like a secret itself."""
    return bool(_NAME.fullmatch(text)) and not _RANDOM.fullmatch(text) and not inline(text)


def inline(text: str) -> bool:
    """Whether *text*, in any setting, carries a secret: a signing key, a password in an address."""
    return bool(_INLINE.search(text))


def bare(text: str) -> str:
    """*text* with its addresses as they may be shown: nobody's name or password, no query, and no
    step of the path that looks like a token.
    """

    def step(text: str) -> str:
        return _HIDDEN if _RANDOM.fullmatch(text) and not _ULID.fullmatch(text) else text

    def address(found: re.Match[str]) -> str:
        who = f"{_HIDDEN}@" if found["who"] else ""
        host, *path = found["place"].split("/")
        place = "/".join([host, *map(step, path)])
        return f"{found['way']}{who}{place}{'?' + _HIDDEN if found['query'] else ''}"

    return _QUERY.sub(rf"\g<name>{_HIDDEN}", _ADDRESS.sub(address, text))


def misplaced(text: str) -> str:
    """What to say of a text that is a secret, without showing it."""
    return f"what looks like a secret itself ({len(text)} characters, not shown)"
