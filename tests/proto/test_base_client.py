"""What both clients inherit from the core: how a client looks, its views, and the handles of tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from bento_proto import Limits, RetryPolicy, Session, Timeout
from bento_proto.batch import BatchState
from bento_proto.http import Origin
from bento_proto.observe import LOGGING
from bento_proto.policy import Poll
from bento_proto.request import ClientRequest
from bento_proto.session import BaseClient, BaseTask, ClientConfig, EndpointMethodBase, Options
from bento_proto.session._task import TaskId, id_of
from bento_proto.testing import ServiceDouble

SCHEMA = b'{"name": "s", "routes": [{"name": "f", "route": "/f", "input": {}, "output": {}}]}'


class Driver:
    """A driver that makes no requests."""

    def __init__(self, config: ClientConfig, options: Options) -> None:
        self.config = config
        self.options = options

    @property
    def session(self) -> Session:
        return self.config.session

    def under(self, options: Options, /) -> Driver:
        return Driver(self.config, options)

    def learn(self) -> None:
        self.learned += 1

    learned = 0


class Mapped(EndpointMethodBase[list[int], list[object], object]):
    """A method whose batches are their inputs and their state, and whose results are the arguments."""

    def __call__(self, /, *args: object, **kwargs: object) -> object:
        return self.__name__, args, kwargs

    @property
    def _options(self) -> Options:
        return self._session.options

    def _batch(self, inputs: list[int], state: BatchState, options: Options) -> list[object]:
        return [inputs, state]


class Client(BaseClient[Driver, object, object, list[int], list[object], object]):
    """A client without any requests."""

    @staticmethod
    def _environ() -> Mapping[str, str]:
        return {"HTTP_PROXY": "http://proxy"}

    @staticmethod
    def _random() -> float:
        return 0.5

    def _new_driver(self, config: ClientConfig, options: Options) -> Driver:
        return Driver(config, options)

    def _send(self, asked: ClientRequest, options: Options) -> object:
        return asked, options

    def _stream(self, asked: ClientRequest, options: Options) -> object:
        return asked

    def _method(self, name: str) -> Mapped:
        return Mapped(self._driver.session, name)

    @property
    def made_with(self) -> tuple[ClientConfig, Options]:
        return self._driver.config, self._driver.options

    @property
    def driver(self) -> Driver:
        return self._driver

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        method = f"{name}, for {self._driver.options.timeout.receive} seconds"
        self._keep(name, method)
        return method


class TypedClient(Client, schema=SCHEMA):
    """One that knows its Service."""


class SameService(TypedClient):
    """Its subclass."""


def test_a_client_shows_its_url_without_credentials() -> None:
    client = Client("http://user:secret@h:3000/a")
    assert (client.url, repr(client)) == ("http://h:3000/a", "<Client http://h:3000/a>")


def test_the_arguments_of_a_client_are_its_configuration_and_its_options() -> None:
    config, options = Client("http://h", timeout=5, headers={"x-a": "1"}, retries=2).made_with
    assert (options.timeout, options.headers[-1], options.retries) == (Timeout.of(5), ("x-a", "1"), RetryPolicy.of(2))
    assert options.hooks == (*config.session.options.hooks, LOGGING)
    assert (config.limits, config.ssl_context, config.app, config.recorder) == (Limits(), None, None, None)
    assert (config.responder, config.application) == (None, None)
    assert str(config.proxies.route(Origin("http", "h", 80)).proxy) == "http://proxy"
    limits = Limits(body=1)
    config, _ = Client("http://h", limits=limits, proxy=None).made_with
    assert config.limits is limits
    assert config.proxies.route(Origin("http", "h", 80)).proxy is None
    assert Client(schema=SCHEMA).made_with[0].session.service is not None


def test_socket_options_are_checked() -> None:
    assert Client("http://h").made_with[0].socket_options == ()
    assert Client("http://h", socket_options=[(1, 2, 3), (1, 2, b"x")]).made_with[0].socket_options == (
        (1, 2, 3),
        (1, 2, b"x"),
    )
    cases: list[Any] = [[(1, 2)], [(1, 2, "3")], [("1", 2, 3)], [1]]
    for wrong in cases:
        with pytest.raises(TypeError, match=r"must be a tuple \(level, name, value\)"):
            Client("http://h", socket_options=wrong)


def test_what_responds_in_place_of_a_server_is_an_application_or_a_responder() -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        """Never called."""

    config, _ = Client("http://h", app=app).made_with
    assert (config.application, config.responder) == (app, None)
    assert config.proxies.route(Origin("http", "h", 80)).proxy is None, "it is no proxy's business"
    double = ServiceDouble()
    config, _ = Client(app=double).made_with
    assert (config.application, config.responder) == (None, double)


@pytest.mark.parametrize("kind", [TypedClient, SameService])
def test_dir_lists_the_endpoints_once_they_are_known(kind: Callable[[], Client]) -> None:
    unknown = Client()
    assert "f" not in dir(unknown)
    assert unknown.driver.learned == 1
    assert {"f", "url", "with_options"} <= set(dir(kind()))


def test_a_view_has_other_options_and_methods_of_its_own_and_shares_the_session() -> None:
    client = Client()
    assert client.f == "f, for 30.0 seconds"
    view = client.with_options(timeout=5, headers={"x-a": "1"}, file_strings="paths")
    assert isinstance(view, Client)
    assert view.driver.options.timeout == Timeout.of(5)
    assert (view.driver.options.headers[-1], view.driver.options.file_strings) == (("x-a", "1"), "paths")
    assert view.driver.session is client.driver.session
    assert view.f == "f, for 5 seconds"
    assert ("x-a", "1") not in client.driver.options.headers
    assert vars(client)["f"] is client.f == "f, for 30.0 seconds", "it is made once"
    assert dir(client).count("f") == 1


def test_dir_does_not_list_the_other_name_by_which_a_method_was_reached() -> None:
    client = TypedClient()
    assert client.api_f != client.f
    assert "api_f" not in dir(client)


def test_options_of_a_view_are_checked() -> None:
    with pytest.raises(ValueError, match="timeout"):
        Client().with_options(timeout=-1)


class Method:
    """An endpoint's method that says what it was asked."""

    __name__ = "job"

    def get_status(self, task_id: TaskId, /) -> object:
        return "status", id_of(task_id)

    def wait(self, task_id: TaskId, timeout: float | None, poll: Poll | float | None, /) -> object:
        return "wait", id_of(task_id), timeout, poll

    def get(self, task_id: str, /) -> object:
        return "get", task_id

    def result(self, task_id: TaskId, timeout: float | None, poll: Poll | float | None, /, *, cancel: bool) -> object:
        return "result", id_of(task_id), timeout, poll, cancel

    def cancel(self, task_id: str, /) -> object:
        return "cancel", task_id

    def retry(self, task_id: str, /) -> object:
        return "retry", task_id


def test_a_task_asks_the_method_of_its_endpoint_with_its_id() -> None:
    task: BaseTask[object, object, object, object] = BaseTask("t1", Method())
    assert repr(task) == "<BaseTask t1 of job: result() waits for it>"
    assert (task.id, task.get_status(), task.get()) == ("t1", ("status", "t1"), ("get", "t1"))
    assert (task.wait(), task.wait(2, 0.5)) == (("wait", "t1", None, None), ("wait", "t1", 2, 0.5))
    assert task.result() == ("result", "t1", None, None, False)
    assert task.result(2, 0.5, cancel=True) == ("result", "t1", 2, 0.5, True)
    assert (task.cancel(), task.retry()) == (("cancel", "t1"), ("retry", "t1"))


def test_a_task_is_given_by_its_id_or_its_handle() -> None:
    task: BaseTask[object, object, object, object] = BaseTask("t1", Method())
    assert (id_of("t2"), id_of(task)) == ("t2", "t1")
    with pytest.raises(TypeError, match="by its id, a str, or its handle, not 7"):
        id_of(cast("str", 7))


def test_a_call_of_an_endpoint_by_its_name() -> None:
    client = Client()
    assert client.call("f", 1, x=2) == ("f", (1,), {"x": 2})
    assert client(1, x=2) == ("__call__", (1,), {"x": 2})


def test_a_batch_of_an_endpoint_by_its_name_or_a_method() -> None:
    client = Client()
    for endpoint in ("f", Mapped(client.driver.session, "f")):
        inputs, state = client.map(endpoint, [1, 2], concurrency=3, max_errors=4, ahead=5, start=1)
        assert inputs == [1, 2]
        assert isinstance(state, BatchState)
        assert (state.concurrency, state.progress.total) == (3, 2)
