"""``python -m bento_cli`` is ``bento-client``."""

from __future__ import annotations

import sys

from ._main import main

sys.exit(main())
