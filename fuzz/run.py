"""One harness under atheris: ``python fuzz/run.py NAME [libFuzzer's options and corpus folders]``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


atheris: Any = importlib.import_module("atheris")  # so that nobody else needs it, nor its types


def main() -> None:
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["bento_client", "bento_proto", "h11", "fuzz", "json", "email", "urllib"]):
        harness = importlib.import_module(f"fuzz.harnesses.{name}")
    atheris.Setup([sys.argv[0], *arguments], harness.test_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
