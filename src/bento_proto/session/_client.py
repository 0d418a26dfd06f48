"""What clients have in common that needs no request: how they look, and their views with other options."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from os import PathLike
from types import EllipsisType
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from bento_proto import exchange, http, observe, policy, schema
from bento_proto._types import JSON
from bento_proto.schema._naming import RESERVED, attributes

from ._options import FileStrings, Images, Options

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._session import Session

ClientT = TypeVar("ClientT", bound="BaseClient[Driver, object]")
DriverT_co = TypeVar("DriverT_co", bound="Driver", covariant=True)
MethodT_co = TypeVar("MethodT_co", covariant=True)


class Driver(Protocol):
    """What makes the requests of a client, or of a view of it."""

    @property
    def session(self) -> Session:
        """What the client knows and decides."""
        ...

    @property
    def options(self) -> Options:
        """How the requests are made."""
        ...

    def under(self, options: Options, /) -> Self:
        """The same under other options."""
        ...


class BaseClient(Generic[DriverT_co, MethodT_co]):
    """A client of one BentoML Service. An adapter adds what makes its requests, and a method for each endpoint.

    Args:
        driver: makes the requests.
    """

    _schema: ClassVar[schema.Service | bytes | JSON] = None  # what a typed client knows of its Service

    def __init_subclass__(cls, *, schema: schema.Service | bytes | JSON = None, **others: object) -> None:
        super().__init_subclass__(**others)
        if schema is not None:
            cls._schema = schema

    def __init__(self, driver: DriverT_co) -> None:
        self._driver = driver
        self._methods: dict[str, MethodT_co] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    def __dir__(self) -> Iterable[str]:
        service = self._driver.session.service
        return [*super().__dir__(), *(attributes(service, RESERVED) if service else ())]

    @property
    def url(self) -> str:
        """The URL of the Service, without user and password."""
        base = self._driver.session.base
        return f"{base.origin}{base.path}"

    def with_options(  # noqa: PYI019 - `Self` could not be evaluated at run time
        self: ClientT,
        *,
        timeout: http.Timeout | float | EllipsisType | None = ...,
        headers: Mapping[str, str] | None = None,
        retries: policy.RetryPolicy | int | EllipsisType = ...,
        download_dir: str | PathLike[str] | EllipsisType | None = ...,
        images: Images | EllipsisType = ...,
        hooks: observe.Hooks | Iterable[observe.Hooks] | None = None,
        on_progress: exchange.OnProgress | EllipsisType | None = ...,
        file_strings: FileStrings | EllipsisType = ...,
    ) -> ClientT:
        """A view of this client with other options, for one call or many; it shares everything else.

        Args:
            timeout: as for the client.
            headers: sent besides the client's own, or in place of those of the same name.
            retries: as for the client.
            download_dir: as for the client.
            images: as for the client.
            hooks: called besides the client's own.
            on_progress: as for the client.
            file_strings: as for the client.

        Raises:
            TypeError, ValueError: an option is invalid.
        """
        view = copy.copy(self)
        options = self._driver.options.changed(
            timeout, headers, retries, download_dir, images, hooks, on_progress, file_strings
        )
        view._driver = self._driver.under(options)
        view._methods = {}
        return view
