"""Set up and run the tests against the built wheel.

    python tools/test.py                       the whole suite, on this Python
    python tools/test.py --python 3.12         on another one: a version, `oldest` or `newest`
    python tools/test.py --lowest              with the lowest versions of the dependencies that are allowed
    python tools/test.py --pure                the core's own tests only, with coverage
    python tools/test.py --set-up              no tests: only the environments that the whole suite needs
    python tools/test.py tests/proto -k json   pytest with these arguments

All environments are set up before the first test begins: the tests' own, those of the BentoML servers, and that of the
examples. The first time takes minutes, afterwards they are there.

The whole suite is several runs, two at a time, as most tests wait most of the time. One is of the core's own tests,
which have no sockets and must by themselves reach every branch of ``bento_proto``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from build import REQUIREMENTS, ensure_with_wheel
from environments import pythons
from services import SERVERS, ensure_server
from steps import ROOT, Command, Step, conclude, side_by_side, step

PURE = "tests/proto"
# What calls real servers, which take seconds to start, does so in one run, so that each is started once. What is left
# takes about as long.
CALLING_SERVERS = ("parity", "compat", "test_docs.py", "test_readme.py", "test_servers.py")
# Servers of other projects in front of the Service, as far as they are installed; the clock decides how long it takes.
INFRA = "tests/infra"
# What is said of the project's pages and examples holds whatever the lowest versions are: these have pins of their own.
NOT_LOWEST = ("diagrams", "docs", "examples", "pages", "style")
# What needs no environment but the tests' own.
SELF_CONTAINED = (PURE, "tests/codegen", "tests/observe")
EXAMPLES = "tests/test_examples.py"
NODE = ROOT / ".venvs" / "node"
PYODIDE = "pyodide@314.0.7"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", metavar="VERSION", help="such as 3.12, or `oldest`, or `newest`")
    parser.add_argument("--lowest", action="store_true", help="with the lowest allowed versions of the dependencies")
    parser.add_argument("--pure", action="store_true", help="only the core's own tests, with coverage")
    parser.add_argument("--set-up", action="store_true", help="only make the environments that the suite needs")
    options, arguments = parser.parse_known_args()

    python = _interpreter(options.python)
    version = _version(python)
    name = f"test-{version}" + ("-lowest" if options.lowest else "")
    requirements = REQUIREMENTS / ("lowest.txt" if options.lowest else "test.txt")
    selected = [PURE] if options.pure else _paths(arguments)
    if not _all_within(selected, SELF_CONTAINED):
        parts = f"{', '.join(SERVERS)} (BentoML servers), examples-{version} and {name}"
        print(f"Setting up in .venvs/: {parts}. The first time takes minutes.", flush=True)
        for server in SERVERS:
            ensure_server(server)
        if not options.lowest and (not selected or any(path.startswith(EXAMPLES) for path in selected)):
            ensure_with_wheel(f"examples-{version}", REQUIREMENTS / "examples.txt", python=python)
            _ensure_pyodide()
    home_python = ensure_with_wheel(name, requirements, python=python)
    if options.set_up:
        return 0

    pytest: Command = [home_python, "-m", "pytest"]
    if arguments:
        return conclude({"pytest": step(f"pytest in {name}", [*pytest, *arguments])})
    # The environment's own data file, so that runs on several Pythons may go on at the same time.
    environ = {"COVERAGE_FILE": str(home_python.parent.parent / "coverage")}
    pure = Step("core", [*pytest, PURE, "--disable-socket", "--cov"], environ)
    if options.pure:
        return conclude({pure.title: step(pure.title, pure.command, environ=environ)})
    ignored = [f"tests/test_{name}.py" for name in NOT_LOWEST] if options.lowest else []
    calling = [path for name in CALLING_SERVERS if (path := f"tests/{name}") not in ignored]
    ignored += [PURE, INFRA, *calling]
    servers = Step("servers", [*pytest, *calling])
    infra = Step("proxies", [*pytest, INFRA])
    others = Step("all else", [*pytest, *(f"--ignore={path}" for path in ignored)])
    return conclude(side_by_side([servers, others, *([] if options.lowest else [infra]), pure], at_once=2))


def _ensure_pyodide() -> None:
    """Install Python for Node, where there is Node; without it, its test is skipped."""
    npm = shutil.which("npm")
    if npm is not None and not (NODE / "node_modules" / "pyodide").is_dir():
        NODE.mkdir(parents=True, exist_ok=True)
        step("pyodide, for Node", [npm, "install", "--prefix", NODE, "--no-audit", "--no-fund", PYODIDE])


def _paths(arguments: list[str]) -> list[str]:
    """Which tests pytest's arguments name, as paths from the project's root; none if they name no path."""
    return [argument.removeprefix("./") for argument in arguments if argument.removeprefix("./").startswith("tests/")]


def _all_within(paths: list[str], folders: tuple[str, ...]) -> bool:
    return bool(paths) and all(path.startswith(folders) for path in paths)


def _interpreter(wanted: str | None) -> Path:
    if wanted is None:
        return Path(sys.executable)
    found = pythons() if wanted in ("oldest", "newest") else pythons(wanted)
    if not found:
        sys.exit(f"no Python {wanted} here; there are {', '.join(map(_version, pythons()))}")
    return found[0 if wanted == "oldest" else -1]


def _version(python: Path) -> str:
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-I", "-c", ask], check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
