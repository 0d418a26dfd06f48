"""What the clients' methods for endpoints have in common: which endpoint, how it looks, and its arguments bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from bento_proto import request, schema, session
from bento_proto._errors import BentoMLException, LocalProtocolError
from bento_proto.request._binding import bind
from bento_proto.schema._naming import endpoint_for
from bento_proto.schema._signature import docstring_of, signature_of

if TYPE_CHECKING:
    from inspect import Signature  # slow to load


class _Signature:
    """``__signature__`` of the methods, once it is known; a class has its own."""

    def __get__(self, method: EndpointMethodBase | None, owner: type) -> Signature:
        try:
            if method is not None:
                return signature_of(method.endpoint)
        except BentoMLException:
            pass
        raise AttributeError("__signature__")


class _Docstring:
    """``__doc__`` of the methods, once it is known; a class has its own."""

    def __init__(self, of_class: str | None) -> None:
        self._of_class = of_class

    def __get__(self, method: EndpointMethodBase | None, owner: type) -> str | None:
        try:
            return self._of_class if method is None else docstring_of(method.endpoint)
        except BentoMLException:
            return self._of_class


class EndpointMethodBase:
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

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.__name__}{signature_of(self.endpoint) if self._is_known else ''}>"

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

    def _check_mappable(self, endpoint: schema.Endpoint) -> None:
        """Refuse a batch of calls of a stream.

        Raises:
            TypeError: the endpoint is one.
        """
        if endpoint.output.is_stream:
            raise TypeError(f"{self.__name__}() is a stream, and map() for endpoints with one result")
