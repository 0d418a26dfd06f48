"""The proxy settings of macOS and Windows."""

from __future__ import annotations

import sys
from collections.abc import Mapping


def system_proxies(platform: str = sys.platform) -> Mapping[str, str]:
    """The proxies that the settings of macOS and Windows name, by scheme; none on other systems.

    Where the environment has variables for proxies, their content is returned instead.
    """
    if platform not in ("darwin", "win32"):
        return {}
    from urllib.request import getproxies  # slow to import

    return getproxies()
