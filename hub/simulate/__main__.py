"""`python -m hub.simulate`: the same as `gashub simulate`."""

import sys

from hub.simulate.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
