"""The double of a Service: it responds as a test says, and keeps the requests."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from itertools import count
from typing import Final, TypeVar, cast, overload
from urllib.parse import quote, unquote

from bento_proto._types import JSON, Value
from bento_proto.errors import BentoMLException
from bento_proto.http._headers import Headers
from bento_proto.http._messages import Data, Request
from bento_proto.http._redaction import redacted_response_fields
from bento_proto.json import parse_json, to_json
from bento_proto.schema._examples import example
from bento_proto.schema._service import Endpoint, Kind, Output, Schema, Service, parse_service
from bento_proto.session._responder import Event

from ._acts import Life, Refusal, Reply, act_of
from ._answers import acted, delayed, failed, refused, replied, whole
from ._asked import Asked, arguments_of, fault, invalid_input, missing_of
from ._functions import Function, endpoint_of
from ._served import ASGIApplication, served
from ._tasks import ACTIONS, Tasks

F = TypeVar("F", bound="Callable[..., object]")

_UNREADY: Final = "Service is not ready because .__is_ready__() returns False."
_ANY: Final = Output({}, Kind.EITHER)
_PLACE: Final = re.compile(r"\\\{([^{}:]+)(?::\w+)?\\\}")  # of a parameter in a route, escaped


class ServiceDouble:
    """Stands in for a Service in a test, as the ``app=`` of a client. No socket is opened.

    Its endpoints are functions, or come from a schema and then return valid values of their types. `script` changes
    what they do. One double may be used by any number of clients and threads.

    Args:
        name: the name of the Service.
        speed: by what factor pauses and the clients' own delays are shortened; `math.inf` for no waits. Timeouts apply
            to the full length at any speed.

    Attributes:
        speed: as given.
        requests: every request, those for readiness and schema included, in order.
    """

    def __init__(self, name: str = "Double", *, speed: float = 1.0) -> None:
        self.speed: float = speed
        self.requests: list[Asked] = []
        self._document: dict[str, JSON] = {"name": name, "type": "service", "routes": []}
        self._service: Service = parse_service(self._document)
        self._functions: dict[str, Function] = {}
        self._scripts: dict[str, _Script] = {}
        self._tasks = Tasks()
        self._numbers = count(1)

    @classmethod
    def from_schema(cls, schema: bytes | JSON, *, speed: float = 1.0) -> ServiceDouble:
        """The double of a Service with this ``/schema.json``.

        Raises:
            SchemaError: it is not the schema of a Service.
        """
        double = cls(speed=speed)
        double._service = parse_service(schema)
        double._document = cast("dict[str, JSON]", parse_json(schema) if isinstance(schema, bytes) else schema)
        return double

    def __repr__(self) -> str:
        return f"<ServiceDouble {self._service.name}: {', '.join(self._service.endpoints) or 'no endpoints'}>"

    @property
    def schema(self) -> JSON:
        """Its ``/schema.json``."""
        return self._document

    # --- endpoints

    @overload
    def endpoint(self, function: F, /) -> F: ...
    @overload
    def endpoint(
        self, function: None = None, /, *, name: str | None = None, route: str | None = None
    ) -> Callable[[F], F]: ...
    def endpoint(
        self, function: F | None = None, /, *, name: str | None = None, route: str | None = None
    ) -> F | Callable[[F], F]:
        """Make a function an endpoint: a decorator.

        Its signature becomes its schema, as with BentoML: a positional-only argument is a root input, a generator a
        stream, which may also yield `Pause`. It may be ``async``, but can't await anything that takes time. Arguments
        have the types of their annotations; files are `UploadedFile`. For a file it may return bytes, or a `File` with
        a name. What it raises becomes an error response, except ``AssertionError``, which is raised by the call.

        Args:
            function: the function.
            name: the endpoint's name; by default the function's.
            route: its path; by default its name.

        Raises:
            TypeError: a type in its signature has no schema.
        """
        return self._add(function, name, route, is_task=False)

    @overload
    def task(self, function: F, /) -> F: ...
    @overload
    def task(
        self, function: None = None, /, *, name: str | None = None, route: str | None = None
    ) -> Callable[[F], F]: ...
    def task(
        self, function: F | None = None, /, *, name: str | None = None, route: str | None = None
    ) -> F | Callable[[F], F]:
        """Make a function an endpoint that can be submitted as a task: see `endpoint`, and `Life` for its course."""
        return self._add(function, name, route, is_task=True)

    def _add(self, function: F | None, name: str | None, route: str | None, *, is_task: bool) -> F | Callable[[F], F]:
        def add(function: F) -> F:
            found = name or function.__name__
            endpoint = self._functions[found] = endpoint_of(function, found, route or f"/{found}", is_task=is_task)
            routes = [entry for entry in cast("list[Schema]", self._document["routes"]) if entry["name"] != found]
            routes = sorted([*routes, endpoint.route], key=lambda entry: str(entry["name"]))
            self._document = {**self._document, "routes": cast("list[JSON]", routes)}
            self._service = parse_service(self._document)
            return function

        return add if function is None else add(function)

    # --- scripts

    def script(self, name: str, *acts: object) -> None:
        """Set what becomes of the next requests, in order. The last act applies to all further ones.

        Args:
            name: the name of an endpoint; or a path, which begins with a slash, such as ``/readyz``.
            acts: for each request the result of the endpoint, or a function of its arguments that returns one; or a
                `Reply`, `Refusal`, `Unreachable`, `Garbage`, `Cut` or `Stall`; for a submitted task a `Life`; or
                ``...`` for what it does without a script.

        Raises:
            ValueError: there is no act, or no such endpoint.
        """
        if not acts:
            raise ValueError("a script needs at least one act")
        if not name.startswith("/"):
            if name not in self._service.endpoints:
                raise ValueError(f"{self!r} has no endpoint {name!r}")
            if not self._service.endpoints[name].is_task and any(isinstance(act, Life) for act in acts):
                raise ValueError(f"{name!r} is not a task, so it can have no Life")
        self._scripts[name] = _Script(acts)

    def unready(self, probes: int | None = None) -> None:
        """Be unready for so many readiness requests; None for as long as there is no other script for ``/readyz``."""
        no = Refusal(503, _UNREADY)
        self.script("/readyz", *([no] * (probes or 1)), *(() if probes is None else (...,)))

    # --- requests

    @property
    def calls(self) -> Sequence[Asked]:
        """The calls of endpoints, submitted tasks included, in order."""
        return [asked for asked in self.requests if asked.endpoint is not None]

    def calls_of(self, name: str) -> Sequence[Asked]:
        """The calls of one endpoint, in order."""
        return [asked for asked in self.calls if asked.endpoint == name]

    def assert_called(self, name: str, /, **arguments: Value) -> Asked:
        """Assert that an endpoint was called with at least these arguments; return the last such call.

        Raises:
            AssertionError: it was not; the message lists the calls.
        """
        for asked in reversed(self.calls_of(name)):
            if all(key in asked.arguments and asked.arguments[key] == value for key, value in arguments.items()):
                return asked
        wanted = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        raise AssertionError(f"{name}({wanted}) was not called; {self._told(name)}")

    def assert_not_called(self, name: str) -> None:
        """Assert that an endpoint was not called.

        Raises:
            AssertionError: it was.
        """
        if self.calls_of(name):
            raise AssertionError(f"{name} was called; {self._told(name)}")

    def _told(self, name: str) -> str:
        lines = [
            f"  {asked.endpoint}({', '.join(f'{key}={value!r:.200}' for key, value in asked.arguments.items())})"
            for asked in self.calls_of(name) or self.calls
        ]
        return "the calls were:\n" + "\n".join(lines) if lines else "nothing was called"

    # --- responding

    def respond(self, request: Request, body: bytes) -> Generator[Event, None, None]:
        """The events of the response to a request: the method of a `Responder`."""
        path, _, query = request.target.partition("?")
        path = unquote(path)
        asked = Asked(request.method, request.target, Headers(redacted_response_fields(request.headers)), body)
        endpoint, action, given = self._found(path)
        method = ACTIONS[action] if action else "POST"
        if endpoint is None or request.method not in (method, "HEAD" if method == "GET" else method):
            own = self._system(request.method, path, query, None if endpoint is None else method)
        elif action not in ("", "submit"):
            own = self._tasks.asked(action, query)
            if request.method == "HEAD":
                own = (event for event in own if not isinstance(event, Data))
        else:
            content_type = next((value for name, value in request.headers if name.lower() == "content-type"), "")
            asked = asked.replace(endpoint=endpoint.name, submitted=action == "submit")
            refusal: Refusal | None = None
            try:
                found = arguments_of(endpoint, content_type, body, self._title(endpoint))
                asked = asked.replace(arguments={**given, **found})
                self._check(endpoint, asked.arguments, missing_of(endpoint, found))
            except BentoMLException as error:
                refusal = failed(error)
            own = (self._submitted if action else self._called)(endpoint, asked.arguments, refusal)
        self.requests.append(asked)
        return self._scripted(path, own)

    def _check(self, endpoint: Endpoint, arguments: Mapping[str, object], missing: Sequence[str]) -> None:
        """Check that no argument is missing, and that those of a function are of their types.

        Raises:
            InvalidArgument: there are faults.
        """
        function = self._functions.get(endpoint.name)
        faults: dict[str, Sequence[JSON]] = {} if function is None else function.faults(arguments)
        if function is None or not endpoint.root_input:  # else it is the model that finds them missing
            faults.update({name: [fault("missing", "Field required", (name,))] for name in missing})
        if faults:
            names = [parameter.name for parameter in endpoint.parameters]
            ordered = sorted(faults, key=lambda name: names.index(name) if name in names else 0)
            raise invalid_input([each for name in ordered for each in faults[name]], self._title(endpoint))

    def _title(self, endpoint: Endpoint) -> str:
        """The title of the input of an endpoint, which errors name."""
        function = self._functions.get(endpoint.name)
        if function is not None:
            return function.title
        title = endpoint.parameters[0].schema.get("title") if endpoint.root_input else None
        return title if isinstance(title, str) else "Input"

    def _scripted(self, path: str, own: Generator[Event, None, None]) -> Generator[Event, None, None]:
        """The response at a path, by its script if there is one."""
        script = self._scripts.get(path)
        told = ... if script is None else script.next()
        if told is ...:
            return own
        fields = self._fields()

        def answer(reply: Reply) -> Generator[Event, None, None]:
            value = reply.value
            if value is ...:
                return delayed(own, reply.delay)
            return replied(reply, _ANY, "file", fields, lambda: _computed(value, {}))

        return acted(act_of(told), fields, answer)

    def asgi(self, sleep: Callable[[float], Awaitable[object]]) -> ASGIApplication:
        """The double as an ASGI application, to be served to other HTTP clients, or to be mounted.

        Where a connection can't be made or breaks, the application raises: its server responds with 500, or aborts the
        response.

        Args:
            sleep: waits for some seconds, such as `asyncio.sleep`.
        """
        return served(self, sleep)

    def _fields(self) -> dict[str, str]:
        return {
            "server": f"BentoML Service/{self._service.name}",
            "x-bentoml-request-id": f"{next(self._numbers):016x}",
        }

    def _found(self, path: str) -> tuple[Endpoint | None, str, dict[str, object]]:
        """The endpoint at a path, the action on its task, and the parameters in the path."""
        for endpoint in self._service.endpoints.values():
            route = _PLACE.sub(r"(?P<\1>[^/]+)", re.escape(endpoint.route))
            found = re.fullmatch(route, path)
            if found is not None:
                return endpoint, "", dict(found.groupdict())
            found = re.fullmatch(f"{route.removesuffix('/')}/(?P<action_>{'|'.join(ACTIONS)})", path)
            if found is not None and endpoint.is_task:
                given: dict[str, object] = {**found.groupdict()}
                return endpoint, str(given.pop("action_")), given
        return None, "", {}

    def _system(self, method: str, path: str, query: str, allowed: str | None) -> Generator[Event, None, None]:
        """The response to a request that is none to an endpoint, or not with the method that is allowed there."""
        status, kind, data = 404, "text/plain; charset=utf-8", b"Not Found"
        probes = {
            f"{prefix}/{name}" for prefix in ("", self._service.prefix) for name in ("readyz", "livez", "healthz")
        }
        known = path in probes or path == "/schema.json"
        allowed = "GET" if known else allowed
        if allowed is not None and (not known or method not in ("GET", "HEAD")):
            status, data = 405, b"Method Not Allowed"
        elif path == "/schema.json":
            status, kind, data = 200, "application/json", to_json(self._document)
        elif path in probes:
            status, data = 200, b"\n"
        elif self._found(other := path[:-1] if path.endswith("/") else f"{path}/")[0]:  # as Starlette's router does
            location = f"{quote(other)}?{query}" if query else quote(other)
            return whole(307, {"location": location, "content-length": "0"}, b"")
        fields = {"content-type": kind, "content-length": str(len(data))}
        if status == 405:
            fields["allow"] = "HEAD, GET" if allowed == "GET" else str(allowed)
        return whole(status, fields, b"" if method == "HEAD" else data)

    def _called(
        self, endpoint: Endpoint, arguments: Mapping[str, object], refusal: Refusal | None
    ) -> Generator[Event, None, None]:
        if refusal is not None:
            return refused(refusal, self._fields())
        act = self._told_to(endpoint)
        return self._acted(endpoint, act.reply if isinstance(act, Life) else act, arguments)

    def _submitted(
        self, endpoint: Endpoint, arguments: Mapping[str, object], refusal: Refusal | None
    ) -> Generator[Event, None, None]:
        def again() -> Generator[Event, None, None]:
            return self._submitted(endpoint, arguments, refusal)

        if refusal is not None:  # as with BentoML, which reads the arguments of a task only when it runs
            return self._tasks.submit(Life(), refused(refusal, self._fields()), again)
        act = self._told_to(endpoint)
        if not isinstance(act, (Life, Reply)) and act_of(act) is act:
            return self._acted(endpoint, act, arguments)  # a fault: it befalls the submission itself
        life = act if isinstance(act, Life) else Life(reply=act)
        answer = self._acted(endpoint, life.reply, arguments)
        return self._tasks.submit(life, answer, again)

    def _told_to(self, endpoint: Endpoint) -> object:
        script = self._scripts.get(endpoint.name)
        return ... if script is None else script.next()

    def _acted(self, endpoint: Endpoint, told: object, arguments: Mapping[str, object]) -> Generator[Event, None, None]:
        fields = self._fields()

        def answer(reply: Reply) -> Generator[Event, None, None]:
            def compute() -> object:
                value = reply.value
                return self._own(endpoint, arguments) if value is ... else _computed(value, arguments)

            return replied(reply, endpoint.output, endpoint.name, fields, compute)

        return acted(act_of(told), fields, answer)

    def _own(self, endpoint: Endpoint, arguments: Mapping[str, object]) -> object:
        """The result of an endpoint without a script."""
        function = self._functions.get(endpoint.name)
        if function is not None:
            return function(arguments)
        value = example(endpoint.output.schema)
        return [value] * 3 if endpoint.output.is_stream else value


def _computed(value: object, arguments: Mapping[str, object]) -> object:
    """What a script says is returned: a value, or a function that makes it."""
    if not callable(value):
        return value
    root = [arguments[""]] if "" in arguments else []
    return value(*root, **{name: item for name, item in arguments.items() if name})


class _Script:
    """Acts, one after the other; the last for ever."""

    def __init__(self, acts: tuple[object, ...]) -> None:
        self._acts = acts
        self._next = count()  # which threads may share

    def next(self) -> object:
        return self._acts[min(next(self._next), len(self._acts) - 1)]
