"""Replaying a recording."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import count
from typing import Final, cast

from bento_proto._types import JSON
from bento_proto.http._messages import Request
from bento_proto.session._responder import Event, Pause

from ._recording import event_of, read, request_entry

_SHOWN: Final = 300


class Mismatch(AssertionError):
    """A request is not in the recording, or was made more often than recorded."""


class Replay:
    """Responds as a recorded Service did, as the ``app=`` of a client.

    A request gets the response of the recorded exchange with the same method, path, query and body. The boundary of a
    form and the order of keys in JSON do not matter. Equal requests get their responses in order, each once; for GET,
    the last one is repeated. A request that was not recorded raises `Mismatch`.

    Args:
        recording: the text of a recording.
        speed: by what factor recorded pauses are shortened; `math.inf` for no waits.

    Attributes:
        speed: as given.
        url: the URL of the Service; empty if the recording has none.

    Raises:
        ValueError: the text is not a recording.
    """

    def __init__(self, recording: str | bytes, *, speed: float = 1.0) -> None:
        self.speed: float = speed
        self.url: str
        self.url, exchanges = read(recording)
        self._known: dict[str, _Answers] = {}
        grouped: defaultdict[str, list[Sequence[Mapping[str, JSON]]]] = defaultdict(list)
        self._requests = [cast("dict[str, JSON]", exchange["request"]) for exchange in exchanges]
        for request, exchange in zip(self._requests, exchanges, strict=True):
            grouped[_key(request)].append(cast("Sequence[Mapping[str, JSON]]", exchange["answer"]))
        self._known = {key: _Answers(answers) for key, answers in grouped.items()}

    @property
    def unused(self) -> Sequence[str]:
        """Method and target of each recorded request that was not made."""
        left = {key: answers.used for key, answers in self._known.items()}
        lines: list[str] = []
        for request in self._requests:
            key = _key(request)
            left[key] -= 1
            if left[key] < 0:
                lines.append(f"{request['method']} {request['target']}")
        return lines

    def respond(self, request: Request, body: bytes) -> Generator[Event, None, None]:
        """The recorded events of the response: the method of a `Responder`.

        Raises:
            Mismatch: the request was not recorded, or not as often.
        """
        entry = self._entry(request, body)
        answers = self._known.get(_key(entry))
        if answers is None:
            raise Mismatch(f"not in the recording: {_shown(entry)}\n{self._nearest(entry)}")
        answer = answers.next(again=request.method == "GET")
        if answer is None:
            raise Mismatch(f"asked more often than recorded, which is {len(answers.all)}: {_shown(entry)}")
        return self._played(entry, answer)

    def _entry(self, request: Request, body: bytes) -> dict[str, JSON]:
        whole = request_entry(request, body, math.inf)
        return whole if _key(whole) in self._known else self._digested(request, body, whole)

    def _digested(self, request: Request, body: bytes, whole: dict[str, JSON]) -> dict[str, JSON]:
        """The entry of the request with the digest of its body, if that is what was recorded."""
        digested = request_entry(request, body, -1)
        return digested if _key(digested) in self._known else whole

    def _played(self, entry: dict[str, JSON], answer: Sequence[Mapping[str, JSON]]) -> Generator[Event, None, None]:
        for event in answer:
            yield Pause(cast("float", event["after"]))
            try:
                yield event_of(event)
            except LookupError as exc:
                raise Mismatch(f"{_shown(entry)} can't be answered: {exc}") from None

    def _nearest(self, entry: dict[str, JSON]) -> str:
        if not self._requests:
            return "the recording is empty"
        wanted = _key(entry)

        def likeness(request: dict[str, JSON]) -> tuple[bool, float]:
            same = (request["method"], request["target"]) == (entry["method"], entry["target"])
            return same, SequenceMatcher(None, wanted[:2000], _key(request)[:2000], autojunk=False).ratio()

        several = {_key(request): request for request in self._requests}.values()
        nearest = sorted(several, key=likeness, reverse=True)[:3]
        return "\n".join(["the nearest in it:", *(f"  {_shown(request)}" for request in nearest)])


class _Answers:
    """The responses to equal requests, in order. Thread-safe."""

    def __init__(self, answers: list[Sequence[Mapping[str, JSON]]]) -> None:
        self.all: list[Sequence[Mapping[str, JSON]]] = answers
        self.used: int = 0
        self._numbers: Iterator[int] = count()

    def next(self, *, again: bool) -> Sequence[Mapping[str, JSON]] | None:
        number = next(self._numbers)
        self.used = number + 1
        if number < len(self.all):
            return self.all[number]
        return self.all[-1] if again else None


def _key(entry: dict[str, JSON]) -> str:
    return json.dumps(entry, ensure_ascii=False, sort_keys=True)


def _shown(entry: dict[str, JSON]) -> str:
    body = entry.get("json", entry.get("body"))
    text = "" if body is None else " with " + (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False))
    return f"{entry['method']} {entry['target']}{text[:_SHOWN]}{'...' if len(text) > _SHOWN else ''}"
