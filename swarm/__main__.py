"""`python -m swarm` is the command `jerne`."""

import sys

from swarm.cli import main

sys.exit(main())
