"""Python source: names, imports and literals. Whatever text a Service sends, it stays text in the module."""

from __future__ import annotations

import builtins
import inspect
import re
from typing import TYPE_CHECKING, Final

from bento_proto.observe import printable
from bento_proto.schema import PlainNames

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

WIDTH: Final = 120

# The names that a generated module may import, and their modules.
_MODULES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("Any", "Literal", "TYPE_CHECKING"), "typing"),
    **dict.fromkeys(("Collection", "Iterator", "Mapping", "Sequence"), "collections.abc"),
    **dict.fromkeys(("date", "datetime", "time", "timedelta"), "datetime"),
    **dict.fromkeys(("IPv4Address", "IPv6Address"), "ipaddress"),
    **dict.fromkeys(("NotRequired", "ReadOnly", "TypedDict"), "typing_extensions"),
    "FileInput": "bento_proto",
    **dict.fromkeys(("FrameInput", "ModelInput", "TensorInput"), "bento_proto.request"),
    **dict.fromkeys(("bool_", "bytes_", "complex64", "complex128", "float16", "float32", "float64"), "numpy"),
    **dict.fromkeys(("int8", "int16", "int32", "int64", "str_", "uint8", "uint16", "uint32", "uint64"), "numpy"),
    "DataFrame": "pandas",
    "Image": "PIL.Image",
    "NDArray": "numpy.typing",
    "Path": "pathlib",
    "TypedAsyncHTTPClient": "bento_async",
    "TypedSyncHTTPClient": "bento_sync",
    "UUID": "uuid",
    "typed": "bento_client.codegen",
}
# Modules that need not be installed, or are imported for type checkers only.
OPTIONAL: Final = frozenset({"PIL.Image", "numpy", "numpy.typing", "pandas"})
_FOR_CHECKERS: Final = OPTIONAL | {"bento_client.codegen"}
_INSTALLED: Final = _FOR_CHECKERS | {
    "bento_async",
    "bento_proto",
    "bento_proto.request",
    "bento_sync",
    "typing_extensions",
}
_RESERVED: Final = frozenset({*_MODULES, *dir(builtins)})

_DOCSTRING_END: Final = re.compile(r'"(?=""|\Z)')  # a quote that could end a docstring
_ESCAPE: Final = re.compile(r"\\(.)")
_JSON_TOKEN: Final = re.compile(r'"[^"]*"[^",]*,?|[^",]+,?|,')


class Names(PlainNames):
    """The names of one generated module, each used for one thing.

    Args:
        attributes: the endpoints' attributes, which hide names of the module from the annotations beside them.
    """

    def __init__(self, attributes: Collection[str]) -> None:
        super().__init__({*attributes, *_RESERVED}, brief=False)
        self._attributes = frozenset(attributes)
        self._used: dict[str, set[str]] = {}

    def use(self, name: str) -> str:
        """The module's local name for an imported or built-in name, which it now imports."""
        module = _MODULES.get(name, "builtins")
        local = f"_{name}" if name in self._attributes else name
        if module != "builtins" or local != name:
            self._used.setdefault(module, set()).add(name if local == name else f"{name} as {local}")
        return local

    def literal(self, value: str) -> str:
        """A text in ``Literal[...]``."""
        return quoted(value)

    @property
    def modules(self) -> Collection[str]:
        """The modules imported from."""
        return self._used.keys()

    def imports(self, *, for_checkers: bool) -> Iterator[str]:
        """The import statements, sorted: those for type checkers only, or all others."""
        modules = sorted((each for each in self._used if (each in _FOR_CHECKERS) == for_checkers), key=str.lower)
        standard = [module for module in modules if module not in _INSTALLED]
        installed = [module for module in modules if module in _INSTALLED]
        for module in (*standard, "", *installed) if standard and installed else modules:
            yield f"from {module} import {', '.join(sorted(self._used[module], key=_order))}" if module else ""


def _order(name: str) -> tuple[bool, str]:
    return not name.isupper(), name


def quoted(text: str) -> str:
    """A string literal on one line."""
    return '"' + _escaped(text).replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    """The text with everything but quotes escaped for a string literal, and what people would not see."""
    escaped = "".join(c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in text)
    return printable(escaped)


def docstring(text: str, indent: str) -> Iterator[str]:
    """The lines of a docstring."""
    text = text.encode(
        "utf-8", "replace"
    ).decode()  # since Python 3.13, even an escaped lone surrogate is an error in a docstring
    lines = [_escaped(line.rstrip()) for line in inspect.cleandoc(text).strip().splitlines()] or [""]
    body = "\n".join(f"{indent}{line}" if line else "" for line in lines) + (f"\n{indent}" if len(lines) > 1 else "")
    body = _DOCSTRING_END.sub(r'\\"', body)
    yield from f'{indent}"""{body.removeprefix(indent)}"""'.split("\n")


def raw_literal(parts: Iterable[str]) -> Iterator[str]:
    """The lines of a bytes literal that holds JSON.

    Args:
        parts: the JSON in ASCII, split between tokens. Each part starts a line, and is wrapped if it is too long.
    """
    yield 'rb"""'
    for part in parts:
        line = ""
        for match in _JSON_TOKEN.finditer(_ESCAPE.sub(_without_quotes, part)):
            if line and len(line) + len(match[0]) > WIDTH:
                yield line
                line = ""
            line += match[0]
        yield line
    yield '"""'


def _without_quotes(escape: re.Match[str]) -> str:
    """A JSON escape without a quote or a second backslash, which would end or change the literal."""
    return {'"': r"\u0022", "\\": r"\u005c"}.get(escape[1], escape[0])
