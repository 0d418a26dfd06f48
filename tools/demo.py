"""Set up and run the demonstration: ``python tools/demo.py``.

The clients and the BentoML server have an environment each, as they would in real life. Both are made at the same time.
The clients run from ``src``: nothing is built.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from environments import SetupFailed, ensure
from services import ensure_server
from steps import ROOT, WITH_SERVERS, conclude, step

REQUIREMENTS = ROOT / "tools" / "requirements" / "demo.txt"
ENVIRON = {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), WITH_SERVERS["PYTHONPATH"]))}


def set_up() -> Path:
    """Make both environments, and return the python of the clients'. Raises ``SetupFailed``."""
    with ThreadPoolExecutor(2) as pool:
        server = pool.submit(ensure_server)
        clients = pool.submit(ensure, "demo", REQUIREMENTS, with_pip=False)
    server.result()
    return clients.result()


def main() -> int:
    print(
        "Setting up two environments in .venvs/: a BentoML server and the clients, the first time in a minute",
        flush=True,
    )
    try:
        python = set_up()
    except SetupFailed as error:
        print(error, file=sys.stderr)
        return 1
    return conclude({"demo": step("demo", [python, ROOT / "demo" / "run.py"], environ=ENVIRON)})


if __name__ == "__main__":
    sys.exit(main())
