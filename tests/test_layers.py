"""Which modules each package loads and names: an arrow never points back, and the core stays pure."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import NamedTuple

import pytest

from tests.packages import PACKAGES, home, modules

CLIENTS = [package for package in PACKAGES if package in ("bento_async", "bento_sync")]

# What a package's modules may name beside the standard library and themselves.
MAY_IMPORT = {
    "bento_async": {"anyio", "bento_files", "bento_proto", "h11", "typing_extensions"},
    "bento_client": {"bento_proto"},
    "bento_files": {"bento_proto", "typing_extensions"},
    "bento_proto": set[str](),
    "bento_sync": {"bento_files", "bento_proto", "typing_extensions", "urllib3"},
}
# What a single module or sub-package may name as well.
MAY_IMPORT_TOO = {
    "bento_async._backends.trio": {"trio"},
    "bento_client._methods": {"bento_async"},
    "bento_client.batch": {"bento_files", "bento_sync"},
    "bento_client.bench": {"anyio", "bento_async"},
    "bento_client.cli": {"click"},
    "bento_client.codegen.typed": {"bento_async", "bento_sync"},
    "bento_client.embedding": {"bento_async", "bento_files"},
    "bento_client.mcp": {"anyio", "bento_async", "mcp"},  # the last if it is installed, for annotations
    "bento_client.observe": {"opentelemetry", "rich"},  # if they are installed, for annotations
    "bento_client.pytest_plugin": {"pytest"},
    "bento_proto.http11": {"h11"},
    "bento_proto.session._driver": {"typing_extensions"},  # on Python 3.10, as anyio does
}
# What is imported inside a function, when a call needs it: it need not be installed.
MAY_IMPORT_WHEN_NEEDED: dict[str, set[str]] = {
    "bento_async": {"trio"},
    "bento_client": {
        "anyio", "bento_async", "bento_files", "bento_sync", "mcp", "mcp_types", "opentelemetry", "rich", "tqdm",
        "typing_extensions",
    },
    "bento_files": {"PIL", "trio", "truststore"},
    "bento_proto": {"idna", "numpy", "orjson", "pandas", "typing_extensions"},
    "bento_sync": {"uvicorn"},
}  # fmt: skip
# The rooms of the core from the ground up: a room may name what is on its own floor's list and on the floors below.
FLOORS = (
    {
        "errors",
        "html",
        "_frozen",
        "_guesses",
        "_jsonable",
        "_numbers",
        "_shell",
        "_text",
        "_tracebacks",
        "_types",
        "_version",
        "json",
    },
    {"http", "schema"},
    {"exchange", "request"},
    {"observe", "response"},
    {"asgi", "http11", "policy", "pool"},
    {"batch"},
    {"session"},
    {"testing"},
)

# The impure standard library: sockets, files, processes, clock, chance, threads, event loops, and what loads those.
IMPURE = {
    "_thread", "asyncio", "concurrent", "email", "fcntl", "glob", "http", "io", "logging", "mmap", "multiprocessing",
    "os", "platform", "queue", "random", "sched", "secrets", "select", "selectors", "shutil", "signal", "socket",
    "socketserver", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
PURE_NAMES = {"os.PathLike", "os.fspath", "http.HTTPStatus"}  # pure all the same
IMPURE_CALLS = {"open", "input", "date.today", "datetime.now", "datetime.today", "datetime.utcnow"}

# What `import bento_proto` must not load, however far away; the last ones are merely slow.
NEVER_LOADED = {
    "_socket", "_ssl", "asyncio", "email", "h11", "http.client", "logging", "multiprocessing", "random", "secrets",
    "select", "selectors", "shutil", "socket", "ssl", "subprocess", "tempfile", "threading", "urllib.request",
    "bento_proto.testing", "dataclasses", "inspect", "typing_extensions",
}  # fmt: skip
# What no package loads before a caller gives or asks for it.
OPTIONAL = {
    "mcp", "mcp_types",
    "PIL", "a2wsgi", "backports", "brotli", "click", "compression.zstd", "numpy", "opentelemetry", "orjson", "pandas",
    "pydantic", "rich", "tqdm", "trio", "truststore", "uvicorn",
}  # fmt: skip
# What a client does not load beside that: the other client and what that stands on, and an event loop.
NOT_LOADED_BY = {
    "bento_async": {"anyio._backends._asyncio", "anyio._backends._trio", "bento_sync", "h11", "urllib3"},
    "bento_sync": {"anyio", "asyncio", "bento_async", "h11", "sniffio"},
}


class Import(NamedTuple):
    module: str  # the importing one
    target: str  # in full, the imported name included
    kind: str  # "now", "when needed" or "types only"

    @property
    def root(self) -> str:
        return self.target.partition(".")[0]

    def is_in(self, place: str) -> bool:
        return f"{self.module}.".startswith(f"{place}.")

    def names(self, module: str) -> bool:
        return self.target == module or self.target.startswith(f"{module}.")


def imports(package: str) -> Iterator[Import]:
    for module, path in modules(package).items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from _imports(tree, module, "now", is_package=path.name == "__init__.py")


def _imports(tree: ast.AST, module: str, kind: str, *, is_package: bool) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, kind) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".") if is_package else module.split(".")[:-1]
            base = base[: len(base) - node.level + 1] if node.level else []
            origin = ".".join([*base, node.module] if node.module else base)
            yield from (Import(module, f"{origin}.{alias.name}", kind) for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from _imports(ast.Module(node.body, []), module, "types only", is_package=is_package)
            yield from _imports(ast.Module(node.orelse, []), module, kind, is_package=is_package)
        else:
            within = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and kind == "now"
            yield from _imports(node, module, "when needed" if within else kind, is_package=is_package)


def loaded_by(statement: str) -> set[str]:
    """The modules that the statement loads in a bare interpreter, beyond those that are there anyway."""
    paths = [str(home("bento_proto").parent), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    code = f"import sys; sys.path += {paths!r}; bare = set(sys.modules)\n{statement}\n"
    code += "print(*(set(sys.modules) - bare))"
    # -I: no user's settings; -S: no .pth file of the environment loads something first and hides what we load.
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


def among(loaded: set[str], modules: set[str]) -> set[str]:
    return {name for name in loaded if any(name == module or name.startswith(f"{module}.") for module in modules)}


def test_a_bare_interpreter_shows_what_is_loaded() -> None:
    assert {"random", "socket"} <= loaded_by("import random, socket")
    assert loaded_by("pass") == set()


def test_a_session_is_imported_without_what_it_does_not_need_yet() -> None:
    loaded = loaded_by("from bento_proto import Session")
    assert "bento_proto.session._session" in loaded
    assert not among(loaded, {"json", "urllib"})


def test_the_core_loads_nothing_impure_and_nothing_slow() -> None:
    loaded = loaded_by("from bento_proto import *")
    assert "bento_proto" in loaded
    assert (
        among(loaded, NEVER_LOADED | OPTIONAL | {"anyio", "bento_files", "bento_client", "urllib3", *CLIENTS}) == set()
    )


@pytest.mark.parametrize("package", CLIENTS)
def test_a_client_loads_nothing_of_the_other(package: str) -> None:
    loaded = loaded_by(f"from {package} import *")
    assert {package, "bento_proto"} <= loaded
    if package == "bento_sync":
        loaded -= loaded_by("import urllib3")  # it loads decompressors for itself, where they are installed
    assert among(loaded, OPTIONAL | NOT_LOADED_BY[package]) == set()


def test_the_command_line_starts_without_what_not_every_command_needs() -> None:
    assert among(loaded_by("import bento_client.cli"), OPTIONAL | {"bento_proto"}) == set()
    loaded = loaded_by("import bento_client.cli._commands")
    assert "click" in loaded
    assert among(loaded, (OPTIONAL - {"click"}) | {"bento_proto", "bento_sync", "http", "ssl"}) == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_arrow_points_back(package: str) -> None:
    strangers = []
    for found in imports(package):
        allowed = {package} | MAY_IMPORT[package]
        allowed = allowed.union(*(names for place, names in MAY_IMPORT_TOO.items() if found.is_in(place)))
        if found.kind != "now":
            allowed |= MAY_IMPORT_WHEN_NEEDED[package]
        if found.root not in allowed and found.root not in sys.stdlib_module_names:
            strangers.append(found)
    assert strangers == []


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "bento_proto"])
def test_what_stands_on_the_core_uses_it_as_anyone_would(package: str) -> None:
    others = set(PACKAGES) - {package}
    private = [found for found in imports(package) if found.root in others and re.search(r"\._(?!_)", found.target)]
    assert private == []


def test_a_room_of_the_core_names_none_above_it() -> None:
    floors = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    upwards = []
    for found in imports("bento_proto"):
        if found.root == "bento_proto" and found.module != "bento_proto":
            here, there = (name.split(".")[1] for name in (found.module, found.target))
            if here != there and floors[there] >= max(floors[here], 1):
                upwards.append(found)
    assert upwards == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Every import counts: at the top, for type checkers, inside functions. A package's face is no part of a circle."""
    paths = {name: path for package in PACKAGES for name, path in modules(package).items()}
    graph: dict[str, set[str]] = {name: set() for name, path in paths.items() if path.name != "__init__.py"}
    for found in (found for package in PACKAGES for found in imports(package) if found.module in graph):
        graph[found.module] |= {found.target, found.target.rpartition(".")[0]} & graph.keys()
    TopologicalSorter(graph).prepare()  # raises CycleError, which shows the circle


BENCH = "compare histogram html load measure metrics report slo svg table"
PURE = (
    "bento_client.codegen", "bento_client.mcp._tools", "bento_proto",
    *(f"bento_client.bench._{name}" for name in BENCH.split()),
)  # fmt: skip


@pytest.mark.parametrize("place", PURE)
def test_what_is_pure_names_no_socket_file_clock_or_chance(place: str) -> None:
    impure = [
        found
        for found in imports(place.partition(".")[0])
        if found.is_in(place)
        and found.module != "bento_proto.observe._log"  # it writes a log
        and found.kind != "types only"
        and found.target not in PURE_NAMES
        and any(map(found.names, IMPURE))
    ]
    assert impure == []


def test_the_core_calls_nothing_that_opens_a_file_or_reads_the_clock() -> None:
    calls = [
        f"{path.name}:{node.lineno}: {ast.unparse(node.func)}"
        for path in modules("bento_proto").values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in IMPURE_CALLS
    ]
    assert calls == []
