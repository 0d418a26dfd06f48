"""Names: which ones Python can have, and what is called what."""

from __future__ import annotations

import builtins
import re
from keyword import iskeyword
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# What a generated module may import, from where.
_HOMES: Final[Mapping[str, str]] = {
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
# What need not be installed, or is for type checkers alone.
OPTIONAL: Final = frozenset({"PIL.Image", "numpy", "numpy.typing", "pandas"})
_FOR_CHECKERS: Final = OPTIONAL | {"bento_client.codegen"}
_INSTALLED: Final = _FOR_CHECKERS | {
    "bento_async",
    "bento_proto",
    "bento_proto.request",
    "bento_sync",
    "typing_extensions",
}
_RESERVED: Final = frozenset({*_HOMES, *dir(builtins)})

_LONGEST: Final = 60
_WORD: Final = re.compile(r"[^\W_]+")


def is_plain(name: str) -> bool:
    """Whether a name can be written as it is: for an attribute, an argument, a class.

    Python takes some identifiers for others (``ﬁ`` for ``fi``), and type checkers take ``__x`` for one without a name.
    """
    return name.isidentifier() and not iskeyword(name) and not name.startswith("__") and normalize("NFKC", name) == name


def pascal_case(text: str, fallback: str = "Model") -> str:
    """A name for a class, made of the words in a text."""
    name = "".join(word[0].upper() + word[1:] for word in _WORD.findall(normalize("NFKC", text)))[:_LONGEST]
    return name if is_plain(name) else fallback


class Names:
    """The names of one module, each for one thing.

    Args:
        attributes: the names in the class of the endpoints: an annotation there would mean the endpoint by them.
    """

    def __init__(self, attributes: Collection[str]) -> None:
        self._attributes = frozenset(attributes)
        self._taken = {*self._attributes, *_RESERVED}
        self._used: dict[str, set[str]] = {}

    def new(self, wanted: str) -> str:
        """A name that nothing has yet: that one, or with a number."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}{number}"
        self._taken.add(name)
        return name

    def release(self, name: str) -> None:
        """Take a new name back, as it is not needed."""
        self._taken.discard(name)

    def use(self, name: str) -> str:
        """How the module refers to a name that it imports, or a built-in one."""
        home = _HOMES.get(name, "builtins")
        local = f"_{name}" if name in self._attributes else name
        if home != "builtins" or local != name:
            self._used.setdefault(home, set()).add(name if local == name else f"{name} as {local}")
        return local

    @property
    def homes(self) -> Collection[str]:
        """The modules that are imported from."""
        return self._used.keys()

    def imports(self, *, for_checkers: bool) -> Iterator[str]:
        """The import statements, sorted: those for type checkers alone, or those for everyone."""
        homes = sorted((home for home in self._used if (home in _FOR_CHECKERS) == for_checkers), key=str.lower)
        standard = [home for home in homes if home not in _INSTALLED]
        installed = [home for home in homes if home in _INSTALLED]
        for home in (*standard, "", *installed) if standard and installed else homes:
            yield f"from {home} import {', '.join(sorted(self._used[home], key=_order))}" if home else ""


def _order(name: str) -> tuple[bool, str]:
    return not name.isupper(), name
