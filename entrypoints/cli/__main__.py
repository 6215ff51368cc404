"""`python -m entrypoints.cli`: the same as `aihub`."""

import sys

from entrypoints.cli import main

sys.exit(main())
