"""A client without sockets, sleep, clock or files, for what answers in the place of a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from bento_proto import BentoMLException, Exchange, Flow, FlowRunner, ResultStatus, Session
from bento_proto.request import Upload, bind
from bento_proto.testing import Playback, Responder

T = TypeVar("T")


class PureClient:
    """Calls a responder as the real clients do; of a stream it returns all items, of a file its bytes.

    Args:
        responder: what answers.
        options: of the session.

    Attributes:
        waits: how many seconds there were to sleep, before each event.
        now: the clock, which moves by sleeping alone.
        exchange: the last one.
    """

    def __init__(self, responder: Responder, **options: Any) -> None:
        self.responder = responder
        self.session = Session("http://h", environ={}, random=lambda: 0.5, **options)
        self.now = 0.0
        self.waits: list[float] = []
        self.exchange: Exchange[Any]

    def run(self, flow: Flow[T]) -> tuple[T, list[Any]]:
        run = FlowRunner(flow)
        items: list[Any] = []
        while run.step is not None:
            items = []
            self.exchange = run.step.exchange
            segments = self.exchange.request.body
            body = b"".join(segment for segment in segments if isinstance(segment, bytes))
            playback = Playback(run.step, self.responder, body)
            try:
                while not playback.is_over:
                    seconds = playback.wait()
                    self.waits.append(seconds)
                    self.now += seconds
                    items += playback.receive()
            finally:
                playback.close()
            run.skip(playback.skipped)
            run.resume(self.now)
        return run.result, items

    def connect(self) -> None:
        self.run(self.session.connect(self.session.options, self.now))

    def is_ready(self) -> bool:
        return self.run(self.session.is_ready(None, self.session.options, self.now))[0]

    def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        exchange, items = self.run(self.session.call(*self._prepared(name, args, kwargs)))
        if exchange.error is not None:
            error = exchange.error
            error.items = items  # type: ignore[attr-defined]
            raise error
        if exchange.result_kind is not None and exchange.result_kind.value == "value":
            return exchange.result
        return items if exchange.result_kind is not None and exchange.result_kind.value == "items" else b"".join(items)

    def error(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """What a call raises; `items` of it are those that came before."""
        try:
            value = self.call(name, *args, **kwargs)
        except BentoMLException as error:
            return error
        raise AssertionError(f"it did not fail, but returned {value!r}")

    def request(self, method: str, path: str, content: bytes | None = None) -> bytes:
        flow = self.session.request(method, path, content, None, self.session.options, self.now)
        exchange: Exchange[bytes] = self.run(flow)[0]
        return exchange.result

    def submit(self, name: str, /, *args: Any, **kwargs: Any) -> str:
        return self.run(self.session.tasks.submit(*self._prepared(name, args, kwargs)))[0]

    def status(self, name: str, task: str) -> ResultStatus:
        endpoint = self.session.endpoint(name)
        return self.run(self.session.tasks.status(endpoint, task, self.session.options, self.now))[0]

    def get(self, name: str, task: str) -> Any:
        endpoint = self.session.endpoint(name)
        return self.run(self.session.tasks.get(endpoint, task, self.session.options, self.now))[0].result

    def cancel(self, name: str, task: str) -> None:
        endpoint = self.session.endpoint(name)
        self.run(self.session.tasks.cancel(endpoint, task, self.session.options, self.now))

    def retry(self, name: str, task: str) -> str:
        endpoint = self.session.endpoint(name)
        return self.run(self.session.tasks.retry(endpoint, task, self.session.options, self.now))[0]

    def _prepared(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if self.session.service is None:
            self.connect()
        call = bind(self.session.endpoint(name), args, kwargs)
        uploads = [
            source.content if isinstance(source.content, Upload) else Upload(bytes(source.content))  # type: ignore[call-overload]
            for source in call.sources
        ]
        return call, uploads, "b0undary", self.session.options, self.now
