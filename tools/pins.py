"""Pin the development requirements anew: ``python tools/pins.py`` makes each ``*.txt`` from its ``*.in``.

One set of pins serves every Python from 3.10 on, by markers. ``lowest.txt`` has the lowest versions of the direct
requirements instead of the newest: with it the tests prove the bounds that ``pyproject.toml`` promises.
"""

from __future__ import annotations

from build import REQUIREMENTS
from environments import ensure
from steps import ROOT, Command, require

PROJECT = ROOT / "pyproject.toml"
TESTS = REQUIREMENTS / "test.in"
# All but `mcp`, whose SDK needs newer versions than the lowest ones of others.
LOWEST_EXTRAS = [
    word
    for extra in ("trio", "images", "numpy", "pandas", "asgi", "cli", "otel", "speed", "rich", "tqdm", "truststore")
    for word in ("--extra", extra)
]
SOURCES: dict[str, Command] = {
    "wheel.txt": [REQUIREMENTS / "wheel.in"],
    "build.txt": [REQUIREMENTS / "build.in"],
    "demo.txt": [PROJECT, "--extra", "images", "--extra", "trio"],
    "test.txt": [PROJECT, "--all-extras", TESTS, REQUIREMENTS / "guides.in"],
    "lowest.txt": [PROJECT, *LOWEST_EXTRAS, TESTS, "--resolution", "lowest-direct"],
    "bench.txt": [PROJECT, "--all-extras", REQUIREMENTS / "bench.in"],
    "niquests.txt": [REQUIREMENTS / "niquests.in"],
    "rust.txt": [REQUIREMENTS / "rust.in"],
    "frameworks.txt": [PROJECT, "--all-extras", REQUIREMENTS / "frameworks.in"],
    "engines.txt": [PROJECT, "--all-extras", REQUIREMENTS / "engines.in"],
    "fuzz.txt": [PROJECT, REQUIREMENTS / "fuzz.in"],
    "mutants.txt": [REQUIREMENTS / "mutants.in"],
    "docs.txt": [PROJECT, "--all-extras", REQUIREMENTS / "docs.in"],
    "examples.txt": [PROJECT, REQUIREMENTS / "examples.in"],
    "check.txt": [REQUIREMENTS / "check.in"],  # last: it includes two others
}


def main() -> None:
    uv: Command = [
        ensure("uv", REQUIREMENTS / "uv.txt", with_pip=False), "-m", "uv", "pip", "compile", "--quiet", "--upgrade",
        "--universal", "--python-version", "3.10", "--no-python-downloads", "--no-annotate",
        "--custom-compile-command", "python tools/pins.py",
    ]  # fmt: skip
    for name, sources in SOURCES.items():
        require(f"pin {name}", [*uv, *sources, "--output-file", REQUIREMENTS / name])


if __name__ == "__main__":
    main()
