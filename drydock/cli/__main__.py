"""`python -m drydock.cli`: the command without an installed script."""

import sys

from drydock.cli import main

sys.exit(main())
