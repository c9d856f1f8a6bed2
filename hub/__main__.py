"""Where `gashub` begins: the service goes straight to the hub, everything else to the CLI.

A running hub never needs the terminal's libraries; on a small box they are a tenth of its memory.
"""

import sys
from pathlib import Path

from hub.errors import CommandRefused, ConfigError, StoreDamaged, StoreUnavailable


def main() -> None:
    """Entry point. Faults with an answer are one or a few lines on stderr, and exit 2."""
    words = sys.argv[1:]
    try:
        if words[:1] == ["run"] and len(words) == 2 and not words[1].startswith("-"):
            from hub.service import serve  # noqa: PLC0415  see above

            sys.exit(serve(Path(words[1])))
        from hub.cli import app  # noqa: PLC0415  see above

        app()
    except (ConfigError, CommandRefused, ConnectionError, StoreDamaged, StoreUnavailable) as fault:
        sys.stderr.write(f"{fault}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
