"""``python -m bento_client`` is ``bento-client``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
