"""What is public: re-exported by a package, in its sorted ``__all__``, with docstrings, and typed."""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import pydoc
import re
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import ParamSpec, TypeVar, get_args

import pytest

import bento_client
from tests.packages import PACKAGES, home, modules, public_modules


def public_objects() -> Iterator[tuple[str, object]]:
    """Everything public that can have a docstring: functions, classes, their public methods and properties."""
    for module in public_modules():
        imported = importlib.import_module(module)
        for name in imported.__all__:
            exported = getattr(imported, name)
            if _is_code(exported):
                yield f"{module}.{name}", exported
            if isinstance(exported, type) and _is_code(exported):
                yield from ((f"{module}.{name}.{attribute}", value) for attribute, value in _described(exported))


def _is_code(value: object) -> bool:
    """Whether it is a class or a function, and no alias such as ``dict[str, int]``, which looks like its class."""
    return isinstance(value, (type, FunctionType)) and not get_args(value)


def _described(cls: type) -> Iterator[tuple[str, object]]:
    code = (
        FunctionType,
        classmethod,
        staticmethod,
        property,
        type,
    )  # not a constant, an enum's member, a tuple's field
    for base in cls.__mro__:
        if base.__module__.startswith(PACKAGES):
            for name, value in vars(base).items():
                if not name.startswith("_") and isinstance(value, code) and not isinstance(value, enum.Enum):
                    yield name, getattr(cls, name)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_says_that_it_is_typed(package: str) -> None:
    assert (home(package) / "py.typed").is_file()


@pytest.mark.parametrize("module", public_modules())
def test_all_is_sorted_and_complete(module: str) -> None:
    imported = importlib.import_module(module)
    listed = list(imported.__all__)
    assert listed == sorted(set(listed))
    present = {name for name, value in vars(imported).items() if _is_an_export(imported, name, value)}
    assert present <= set(listed), "public by name, but not in __all__"
    missing = [name for name in listed if not hasattr(imported, name)]
    assert missing == [], "in __all__, but not there"


def _is_an_export(module: ModuleType, name: str, value: object) -> bool:
    if (
        name.startswith("_")
        or isinstance(value, (ModuleType, ParamSpec, TypeVar))
        or name in ("TYPE_CHECKING", "annotations")
    ):
        return False
    # A public module of its own defines things and imports others; a package's `__init__` only re-exports.
    return module.__name__ in FACES or getattr(value, "__module__", None) == module.__name__


FACES = [name for package in PACKAGES for name, path in modules(package).items() if path.name == "__init__.py"]


@pytest.mark.parametrize("package", FACES)
def test_the_package_only_re_exports(package: str) -> None:
    tree = ast.parse((home(package) / "__init__.py").read_text(encoding="utf-8"))
    defined = [node.name for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    assert set(defined) <= {"__getattr__", "__dir__"}  # a lazy re-export


@pytest.mark.parametrize("module", public_modules())
def test_the_module_has_a_docstring(module: str) -> None:
    assert importlib.import_module(module).__doc__


def test_everything_public_has_a_docstring() -> None:
    undocumented = sorted({name for name, value in public_objects() if not _is_documented(value)})
    assert undocumented == []


@pytest.mark.parametrize("name", ["SyncHTTPClient", "AsyncHTTPClient"])
def test_help_of_a_client_says_what_each_argument_means(name: str) -> None:
    client = getattr(bento_client, name)
    shown = pydoc.plain(pydoc.render_doc(client))
    arguments = inspect.signature(client).parameters
    assert "server_ready_timeout" in arguments
    assert [name for name in arguments if re.search(rf"^[ |]*{name}: ", shown, re.MULTILINE) is None] == []


@pytest.mark.parametrize("name", ["bento_sync.EndpointMethod", "bento_async.AsyncEndpointMethod"])
def test_help_of_map_says_what_its_arguments_mean(name: str) -> None:
    module, _, method = name.partition(".")
    shown = pydoc.plain(pydoc.render_doc(getattr(importlib.import_module(module), method).map))
    assert "concurrency: how many calls there are at a time" in shown


def _is_documented(value: object) -> bool:
    doc = inspect.getdoc(value) or ""
    if isinstance(value, type):  # Python writes some itself: a named tuple's repeats its fields
        return doc not in ("", "An enumeration.") and not doc.startswith(f"{value.__name__}(")
    return doc != ""


def test_every_public_alias_and_constant_has_a_docstring() -> None:
    documented = _assigned()
    undocumented: set[str] = set()
    for module in public_modules():
        imported = importlib.import_module(module)
        for name in imported.__all__:
            if not _is_code(getattr(imported, name)) and not all(documented.get(name, ())):
                undocumented.add(f"{module}.{name}")
    assert undocumented - {f"{package}.__version__" for package in PACKAGES} == set()


def _assigned() -> dict[str, list[bool]]:
    """The public names that modules assign to at the top, and whether a docstring follows each time."""
    found: dict[str, list[bool]] = {}
    for path in (path for package in PACKAGES for path in modules(package).values()):
        body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
        for node, following in zip(body, [*body[1:], ast.Pass()], strict=True):
            is_documented = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            for name in _targets(node):
                found.setdefault(name, []).append(is_documented)
    return found


def _targets(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.If):  # an alias that differs for type checkers
        return {name for inner in [*node.body, *node.orelse] for name in _targets(inner)}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}
