"""Test batches on engines for distributed work: ``python tools/engines.py``; what follows is for pytest.

Ray, joblib and Spark, which needs Java, are in an environment of their own, which is made the first time. Dask and
pools of processes are tested there too, and in the whole suite. ``ENGINE_INPUTS=100000 ENGINE_IMAGES=2000`` makes a
long run of it. Each test prints how many calls there were, and how many twice, the connections, and the memory of the
largest process.

The pins are for every Python from 3.10 on. The long run was made on 3.11, shorter ones on 3.10 and 3.13.
"""

from __future__ import annotations

import sys

from build import REQUIREMENTS, ensure_with_wheel
from steps import ROOT, Command, conclude, step

TESTS = "tests/engines"


def main(arguments: list[str]) -> int:
    python = ensure_with_wheel("engines", REQUIREMENTS / "engines.txt")
    if arguments == ["--set-up"]:
        return 0
    pytest: Command = [python, "-m", "pytest", ROOT / TESTS, *arguments]
    return conclude({"engines": step("engines", pytest)})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
