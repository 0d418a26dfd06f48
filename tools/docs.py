"""Build the documentation into ``build/docs``: ``python tools/docs.py``. A warning is an error."""

from __future__ import annotations

from build import REQUIREMENTS, ensure_with_wheel
from steps import ROOT, Command, require

SITE = ROOT / "build" / "docs"


def main() -> None:
    python = ensure_with_wheel("docs", REQUIREMENTS / "docs.txt")
    require("draw the diagrams", [python, ROOT / "tools" / "diagrams.py"])
    # Made anew each time: what changed in a docstring is not seen by what Sphinx remembers of its page.
    options: Command = ["-b", "html", "-q", "-E", "-W", "--keep-going", "-d", ROOT / "build" / "doctrees"]
    require("build the documentation", [python, "-m", "sphinx", *options, ROOT / "docs", SITE])
    print(f"\n{SITE / 'index.html'}")


if __name__ == "__main__":
    main()
