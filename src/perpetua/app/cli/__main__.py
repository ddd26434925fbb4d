"""`python -m perpetua.app.cli` is the command `perpetua`."""

import sys

from perpetua.app.cli import main

sys.exit(main())
