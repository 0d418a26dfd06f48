"""One large JSON document, parsed piece by piece as it comes.

`json` parses a document in one call, during which no other thread and no other task of an event loop runs: a second or
more for 64 MiB. Here each call parses about 64 KiB: as many elements of the innermost open container as are complete,
at once where they are of one kind, else one by one. What is still incomplete then is opened, so that its own elements
are parsed so, or, if it is a string, its characters. A document that is not JSON is left to `json`, which says why.

Value and error are those of `json`, however the bytes are split.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Final, cast

from bento_proto._types import JSON

if TYPE_CHECKING:
    from ._array_protocol import Arrays

_STEP: Final = 1 << 16  # bytes or characters parsed at a time
_BATCH: Final = 256  # in this part of a step, elements are not worth being parsed together
_LONGEST: Final = 5000  # characters of a number: Python reads integers of 4300
_DEEPEST: Final = 900  # levels that are opened
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_SCALARS: Final = re.compile(r'[^"\[\]{}]*,')
_MEMBER: Final = re.compile(r'"[^"\\]*"[ \t\r\n]*:[ \t\r\n]*(.)')
_STRUCTURE: Final = re.compile(r'["{}\[\]]')
_IN_STRING: Final = re.compile(r'["\\]')
_ESCAPES: Final = re.compile(r'(?:[^"\\]+|\\[^u]|\\u.{4})*', re.DOTALL)  # up to a quote, or an incomplete escape
_HIGH_SURROGATE: Final = re.compile(r"u[dD][89abAB].{2}", re.DOTALL)
_CLOSING: Final = {'"': '"', "[": "]", "{": "}"}
_raw_decode: Final = cast("Callable[[str, int], tuple[JSON, int]]", json.JSONDecoder().raw_decode)


class _Expect(Enum):
    ELEMENT = "an element"
    FIRST_ELEMENT = "an element or the end"
    KEY = "a key"
    FIRST_KEY = "a key or the end"
    COLON = "a colon"
    MORE = "a comma or the end"
    STRING = "the rest of a string"


class _Level:
    """A container that is open."""

    __slots__ = ("arrays", "elements", "key", "members")

    def __init__(self, opening: str) -> None:
        self.elements: list[JSON] = []
        self.members: dict[str, JSON] | None = {} if opening == "{" else None
        self.key = ""
        self.arrays: list[object] = []  # of the first elements; `elements` has those that follow


class DocumentParser:
    """Parses a document.

    Args:
        arrays: makes arrays of large lists of numbers; None to leave them lists.
        step: about how many bytes to parse at a time.

    Attributes:
        is_broken: whether the document is not JSON, or nested too deeply: `json` has to say how.
    """

    def __init__(self, arrays: Arrays | None = None, step: int = _STEP) -> None:
        self._step = step
        self.is_broken: bool = False
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._arrays = arrays
        self._held: list[bytes] = []
        self._size = 0
        self._text = ""
        self._at = 0
        self._levels: list[_Level] = []
        self._expect = _Expect.ELEMENT
        self._value: JSON = None
        self._string: list[str] = []  # the decoded pieces of an incomplete string
        self._string_is_key = False
        self._batches = True  # whether elements of this text are parsed together
        self._failures = 0  # containers of this text that turned out to be incomplete
        self._open: set[int] | None = None  # where the containers begin that this text leaves open, if that is known

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._held.append(data)
        self._size += len(data)
        if self._size >= self._step:
            whole = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            self._held, self._size = [], 0
            for start in range(0, len(whole), self._step):
                self._parse(whole[start : start + self._step], final=False)

    def finish(self) -> JSON:
        """The value, if the document is not broken. Lists of which arrays were made are arrays."""
        self._parse(b"".join(self._held), final=True)
        if self._levels or self._expect is not _Expect.MORE or self._at < len(self._text):
            self.is_broken = True
        return self._value

    def _parse(self, data: bytes, *, final: bool) -> None:
        if self.is_broken:
            return
        try:
            self._text, self._at = self._text[self._at :] + self._decoder.decode(data, final), 0
            self._batches, self._failures, self._open = True, 0, None
            if self._expect is not _Expect.STRING or self._end_string():
                while self._advance(final):
                    pass
        except (ValueError, TypeError, OverflowError, RecursionError):
            self.is_broken = True

    def _advance(self, final: bool) -> bool:
        """Parse what comes next; False if more has to come before. It raises ValueError for what is not JSON."""
        text, expect = self._text, self._expect
        at = self._at = cast("re.Match[str]", _SPACE.match(text, self._at)).end()
        if at == len(text):
            return False
        char = text[at]
        if expect is _Expect.MORE:
            self._separator(char)
        elif expect is _Expect.COLON:
            if char != ":":
                raise ValueError
            self._at, self._expect = at + 1, _Expect.ELEMENT
        elif (expect is _Expect.FIRST_ELEMENT and char == "]") or (expect is _Expect.FIRST_KEY and char == "}"):
            self._close()
        elif expect in (_Expect.KEY, _Expect.FIRST_KEY) and char != '"':
            raise ValueError
        elif not (self._batches and self._in_container(expect) and self._batch(char)):
            return self._one(char, final)
        return True

    def _in_container(self, expect: _Expect) -> bool:
        """Whether elements or members come, and not the value of one member, or of the document."""
        return bool(self._levels) and (self._levels[-1].members is None or expect in (_Expect.KEY, _Expect.FIRST_KEY))

    def _separator(self, char: str) -> None:
        members = self._levels[-1].members if self._levels else None
        if self._levels and char == ",":
            self._at, self._expect = self._at + 1, _Expect.ELEMENT if members is None else _Expect.KEY
        elif self._levels and char == ("]" if members is None else "}"):
            self._close()
        else:
            raise ValueError

    def _batch(self, char: str) -> bool:
        """Parse as many complete elements or members as seem to be of one kind, if these are many; False if not."""
        text, at, level = self._text, self._at, self._levels[-1]
        kind = char
        if level.members is not None:
            member = _MEMBER.match(text, at)
            kind = member.group(1) if member else '"'
        closing = _CLOSING.get(kind, "")
        if level.members is None and not closing:
            run = _SCALARS.match(text, at)
            end = run.end() - 1 if run else -1
        else:
            following = char if level.members is None else '"'
            end = max(text.rfind(closing + comma + following, at) for comma in (",", ", ")) + len(closing)
        if end <= at + self._step // _BATCH:
            self._batches = False
            return False
        piece = f"[{text[at:end]}]" if level.members is None else f"{{{text[at:end]}}}"
        try:
            if level.members is None and self._arrays is not None:
                self._flush(level)
                level.arrays.append(self._arrays.parse(piece))
            else:
                value, size = _raw_decode(piece, 0)
                if size < len(piece):
                    raise ValueError
                if level.members is None:
                    level.elements += cast("list[JSON]", value)
                else:
                    level.members.update(cast("dict[str, JSON]", value))
        except ValueError:
            self._batches = False
            return False
        self._at, self._expect = text.index(",", end) + 1, _Expect.ELEMENT if level.members is None else _Expect.KEY
        return True

    def _one(self, char: str, final: bool) -> bool:
        """Parse one element or key, or open it; False if it is incomplete and can't be opened."""
        text, at = self._text, self._at
        if self._open is None or at not in self._open:
            try:
                value, end = _raw_decode(text, at)
            except ValueError:
                if final:
                    raise
            else:
                if len(text) - end < 3 and not final and char not in _CLOSING:
                    return False  # a number, which may go on: "1" by ".0" or "e+0"
                self._at = end
                self._add(value)
                return True
        rest = len(text) - at
        if char == '"':
            self._string, self._at = [], at + 1
            self._string_is_key = self._expect in (_Expect.KEY, _Expect.FIRST_KEY)
            self._expect = _Expect.STRING
            return self._end_string()
        if char not in _CLOSING:
            if rest > _LONGEST:
                raise ValueError
            return False
        if rest < self._step // 2:
            return False
        self._failures += 1
        if self._failures > 1 and self._open is None:
            self._open = self._left_open(at)
        if len(self._levels) == _DEEPEST:
            raise RecursionError
        self._levels.append(_Level(char))
        self._at, self._expect = at + 1, _Expect.FIRST_ELEMENT if char == "[" else _Expect.FIRST_KEY
        return True

    def _left_open(self, at: int) -> set[int]:
        """Where the containers begin that are open at the end of the text, so that none is parsed in vain."""
        text, stack = self._text, list[int]()
        while found := _STRUCTURE.search(text, at):
            mark, at = found.group(), found.end()
            if mark == '"':
                while (found := _IN_STRING.search(text, at)) and found.group() == "\\":
                    at = found.end() + 1
                if found is None:
                    break
                at = found.end()
            elif mark in "[{":
                stack.append(found.start())
            else:
                del stack[-1:]
        return set(stack)

    def _end_string(self) -> bool:
        """Take the rest of a string, as far as it is there; False if that is not all."""
        text, at = self._text, self._at
        end = cast("re.Match[str]", _ESCAPES.match(text, at)).end()
        is_complete = text[end : end + 1] == '"'
        if not is_complete and _ends_with_high_surrogate(text[at:end]):
            end -= len(r"\ud800")  # whose other half may come
        if end > at:
            piece, _ = _raw_decode(f'"{text[at:end]}"', 0)
            self._string.append(cast("str", piece))
        self._at = end + is_complete
        if is_complete:
            value, self._string = "".join(self._string), []
            self._expect = _Expect.KEY if self._string_is_key else _Expect.ELEMENT
            self._add(value)
        return is_complete

    def _add(self, value: JSON) -> None:
        """Take a complete value, or a key."""
        if self._expect in (_Expect.KEY, _Expect.FIRST_KEY):
            self._levels[-1].key, self._expect = cast("str", value), _Expect.COLON
            return
        self._expect = _Expect.MORE
        if not self._levels:
            self._value = value
            return
        level = self._levels[-1]
        if level.members is None:
            level.elements.append(value)
        else:
            level.members[level.key] = value

    def _close(self) -> None:
        level = self._levels.pop()
        value: JSON = level.elements if level.members is None else level.members
        if level.arrays and self._arrays is not None:
            self._flush(level)
            value = cast("JSON", self._arrays.join(level.arrays))
        self._at, self._expect = self._at + 1, _Expect.ELEMENT
        self._add(value)

    def _flush(self, level: _Level) -> None:
        if level.elements and self._arrays is not None:
            level.arrays.append(self._arrays.make(level.elements))
            level.elements = []


def _ends_with_high_surrogate(text: str) -> bool:
    """Whether the last escape of a string, at its end, is the first half of a character."""
    backslashes = text[:-5]
    number = len(backslashes) - len(backslashes.rstrip("\\"))  # an even number of them are escaped themselves
    return number % 2 == 1 and _HIGH_SURROGATE.fullmatch(text[-5:]) is not None
