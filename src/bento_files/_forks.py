"""Modules that are loaded late, and forks.

A thread that imports a module holds the lock of that module. If another thread forks meanwhile, the lock stays held in
the child, where nobody releases it, and the child waits for it for ever. So what a client loads late is loaded before
the first fork of a process with several threads; this waits for imports that are under way.
"""

from __future__ import annotations

import pkgutil
import sys
from contextlib import suppress
from importlib import import_module
from typing import Final

_PACKAGES: Final = ("bento_proto", "bento_files", "bento_sync", "bento_async")
_RARE: Final = (  # what no ordinary call needs, and what loads much
    "bento_proto.testing", "bento_proto.asgi", "bento_sync._asgi", "bento_async._in_process",
    "bento_async._backends.trio",
)  # fmt: skip
_OTHERS: Final = ("copy", "encodings.idna", "html", "idna", "inspect", "ipaddress", "logging", "random")
_LARGE: Final = ("numpy", "pandas", "PIL", "orjson", "pyarrow")  # waited for, but not loaded


def load_all() -> None:
    """Load what a client loads late; wait for what another thread is loading."""
    for name in _PACKAGES:
        package = sys.modules.get(name)
        if package is not None:
            for module in pkgutil.walk_packages(package.__path__, f"{name}."):
                if not module.name.startswith(_RARE) or module.name in sys.modules:
                    _load(module.name)
    for name in (*_OTHERS, *(large for large in _LARGE if large in sys.modules)):
        _load(name)


def _load(name: str) -> None:
    with suppress(ImportError):  # of what is not installed
        import_module(name)
