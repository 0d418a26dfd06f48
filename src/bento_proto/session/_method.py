"""What the clients' methods for endpoints have in common: which endpoint, how it looks, and its arguments bound."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, Generic, NoReturn, Protocol, TypeVar, cast

from bento_proto import batch, exchange, request, schema, session
from bento_proto._types import Value
from bento_proto.errors import BentoMLException, LocalProtocolError
from bento_proto.policy._retry import batch_retries
from bento_proto.request._binding import bind
from bento_proto.schema._naming import endpoint_for

if TYPE_CHECKING:
    from inspect import Signature  # slow to load

InputsT_contra = TypeVar("InputsT_contra", contravariant=True)
BatchT_co = TypeVar("BatchT_co", covariant=True)
CallT_co = TypeVar("CallT_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)
MethodT = TypeVar("MethodT", bound="EndpointMethodBase[NoReturn, object, object]")


class _SchemaHandler(Protocol[T_co]):
    """pydantic's `GetCoreSchemaHandler`."""

    def generate_schema(self, source: object, /) -> T_co:
        """Make the schema of a type or a function."""
        ...


class Learner(Protocol):
    """The driver of a client, as far as help needs it."""

    def learn(self) -> None: ...


class _Signature:
    """``__signature__`` of the methods: that of ``__call__`` until their own is known; a class has its own."""

    def __get__(self, method: EndpointMethodBase[NoReturn, object, object] | None, owner: type) -> Signature:
        if method is None:
            raise AttributeError("__signature__")
        try:
            return method._signature()  # pyright: ignore[reportPrivateUsage]
        except BentoMLException:
            from inspect import signature  # slow to load

            return signature(method.__call__)


class _Annotations(dict[str, object]):
    """``__annotations__`` of the methods, as `typing.get_type_hints` reads them; empty for a class, or until known."""

    def __get__(self, method: EndpointMethodBase[NoReturn, object, object] | None, owner: type) -> dict[str, object]:
        try:
            if method is None:
                return {}
            signature = method._signature()  # pyright: ignore[reportPrivateUsage]
        except BentoMLException:
            return {}
        parameters = signature.parameters.values()
        found = {each.name: cast("object", each.annotation) for each in parameters}
        return {**found, "return": cast("object", signature.return_annotation)}


class _Docstring:
    """``__doc__`` of the methods, once it is known; a class has its own."""

    def __init__(self, of_class: str | None) -> None:
        self._of_class = of_class

    def __get__(self, method: EndpointMethodBase[NoReturn, object, object] | None, owner: type) -> str | None:
        try:
            return self._of_class if method is None else method._help()  # pyright: ignore[reportPrivateUsage]
        except BentoMLException:
            return self._of_class


class EndpointMethodBase(ABC, Generic[InputsT_contra, BatchT_co, CallT_co]):
    """A method of a client that calls an endpoint of a Service, which may not be known yet.

    ``inspect.signature``, ``help`` and the like see the endpoint's own signature once the Service is known.

    Args:
        session: knows the Service.
        name: the endpoint's name.
        reserved: the names that the client uses itself, if this is an attribute of the client; else None. Then the
            name may be that of an attribute: see `endpoint_for`.
    """

    __signature__: Final = _Signature()

    def __init_subclass__(cls) -> None:
        cls.__doc__ = cast("str | None", _Docstring(cls.__doc__))

    def __init__(self, session: session.Session, name: str, reserved: frozenset[str] | None = None) -> None:
        self._session = session
        self._reserved = reserved
        self._endpoint: schema.Endpoint | None = None
        self.__name__: str = name
        if self._is_known:
            self.__name__ = self.endpoint.name
        self.__qualname__: str = self.__name__

    @abstractmethod
    def __call__(self, /, *args: Value, **kwargs: Value) -> CallT_co:
        """Call the endpoint with the arguments of the Service's own method."""

    def __get__(self: MethodT, instance: object, owner: type | None = None) -> MethodT:  # noqa: PYI019
        """The method itself, as it is bound to its client. By this, ``inspect.isroutine`` takes it for a routine."""
        return self

    def __get_pydantic_core_schema__(self, source: object, handler: _SchemaHandler[T_co]) -> T_co:
        """How pydantic validates the arguments of a call, as of a function with this signature: FastMCP asks for it."""

        def call(*args: object, **kwargs: object) -> object:
            return self(*args, **kwargs)

        call.__dict__["__signature__"] = self.__signature__
        call.__annotations__ = cast("dict[str, object]", self.__annotations__)
        return handler.generate_schema(call)

    def __repr__(self) -> str:
        signature = schema.signature_text(self.endpoint) if self._is_known else ""
        return f"<{type(self).__name__} {self.__name__}{signature}>"

    def _repr_html_(self) -> str | None:
        """What a notebook shows: the signature and the help, if the Service can be had."""
        try:
            text = self._help()
            return schema.endpoint_html(self.endpoint, text)
        except BentoMLException:
            return None

    def _signature(self) -> Signature:
        """The signature, for which the Service is asked if it is not known."""
        from bento_proto.schema._signature import typed_signature_of  # only people look at it

        if not self._is_known:
            self._learn()
        return typed_signature_of(self.endpoint)

    def _help(self) -> str:
        """The docstring, for which the Service is asked."""
        self._learn()
        found = self._session.endpoint(self.endpoint.name)  # with a description, if it has come since
        return schema.help_of(found, awaited=self._awaited)

    def _learn(self) -> None:
        """Find out what the Service is, for a person who waits: briefly, and without an error."""
        driver = cast("Learner | None", getattr(self, "_driver", None))
        if driver is not None:
            driver.learn()

    _awaited: ClassVar[bool] = False

    @property
    def _is_known(self) -> bool:
        return self._session.service is not None

    @property
    def endpoint(self) -> schema.Endpoint:
        """What the schema says of the endpoint.

        Raises:
            LocalProtocolError: the client does not know the Service yet.
            NotFound: the Service has no such endpoint.
        """
        if self._endpoint is None:
            service, name = self._session.service, self.__name__
            if service is None:
                raise LocalProtocolError("the Service is not known yet: `await client.connect()` first")
            found = None if self._reserved is None else endpoint_for(service, name, self._reserved)
            self._endpoint = self._session.endpoint(name if found is None else found)
        return self._endpoint

    def _bound(
        self, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> Callable[[schema.Endpoint], request.BoundCall]:
        """Bind the arguments of a call: now, if the endpoint is known, else once it is.

        Raises:
            TypeError, ValueError: as for `bind`.
            NotFound: the Service has no such endpoint.
        """
        if self._endpoint is None and not self._is_known:
            return lambda endpoint: bind(endpoint, args, kwargs)
        call = bind(self._endpoint or self.endpoint, args, kwargs)
        return lambda _: call

    def map(
        self,
        inputs: InputsT_contra,
        *,
        concurrency: batch.Concurrency = 8,
        ordered: bool = True,
        on_error: batch.OnError = "raise",
        on_progress: exchange.OnProgress | None = None,
        max_errors: int | None = None,
        ahead: int | None = None,
        start: int = 0,
    ) -> BatchT_co:
        """Call the endpoint with each of many inputs, some at a time.

        Any number of inputs takes the same memory: they are taken and called when their results are asked for, at most
        twice ``concurrency`` ahead. A call is that of this method: with the client's timeouts and retries.

        A Service that refuses calls has too many of them: the batches of a client then make fewer at a time, and wait
        where it accepts none, for `RetryPolicy.max_outage` seconds at most. Refused calls are sent again where the
        retry policy allows that; they count as attempts only if the Service may have processed them. With ``retries=0``
        each call is sent once, and nothing waits.

        Args:
            inputs: any iterable, endless ones too; of the async client also an asynchronous one. A mapping is keyword
                arguments, a tuple positional ones, anything else the only argument.
            concurrency: how many calls there are at a time, at most as many as the client's connections;
                ``"auto"`` makes more as long as more of them end in a second.
            ordered: whether the results come in the order of the inputs, or as they arrive.
            on_error: what becomes of a call that fails: ``"raise"`` ends the batch with its error, after the results
                before it; ``"return"`` gives the exception in place of the result; ``"skip"`` leaves it out.
            on_progress: told how many calls are over, where the results are asked for.
            max_errors: how many calls may fail with ``"return"`` and ``"skip"``; the error of the next one ends the
                batch.
            ahead: how many inputs are taken ahead of the results, in place of twice ``concurrency``.
            start: the number of the first input that is called: as many are taken and dropped before.

        Returns:
            An iterator over the results, to be used in ``with``, or ``async with``, if it may be left early. Its
            ``outcomes()`` gives each result with its input.

        Raises:
            TypeError: the endpoint is a stream.
            ValueError: an argument makes no sense.
        """
        if self._is_known:
            self._check_mappable(self.endpoint)
        session, options = self._session, self._options
        state = batch.BatchState(
            inputs,
            concurrency,
            ordered,
            on_error,
            on_progress,
            max_errors=max_errors,
            ahead=ahead,
            first=start,
            connections=session.limits.connections,
            retries=options.retries,
            control=session.control,
        )
        return self._batch(inputs, state, options.replace(retries=batch_retries(options.retries)))

    @property
    @abstractmethod
    def _options(self) -> session.Options:
        """The options of the calls."""

    @abstractmethod
    def _batch(self, inputs: InputsT_contra, state: batch.BatchState, options: session.Options) -> BatchT_co:
        """The results of calls with these inputs, under these options."""

    def _check_mappable(self, endpoint: schema.Endpoint) -> None:
        """Refuse a batch of calls of a stream.

        Raises:
            TypeError: the endpoint is one.
        """
        if endpoint.output.is_stream:
            raise TypeError(f"{self.__name__}() is a stream, and map() for endpoints with one result")


setattr(EndpointMethodBase, "__annotations__", _Annotations())  # noqa: B010 - in the class it would be an annotation
