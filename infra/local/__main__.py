"""`make run`: Marquee on this machine, from PostgreSQL to the gateway. Ctrl-C stops all of it."""

import sys

from infra.local.run import main

if __name__ == "__main__":
    sys.exit(main())
