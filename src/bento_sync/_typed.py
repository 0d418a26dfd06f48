"""The base of typed clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._client import SyncHTTPClient

if TYPE_CHECKING:
    from bento_proto import JSON, Service


class TypedSyncHTTPClient(SyncHTTPClient):
    """A client that knows its Service from the start, and whose endpoints the type checker knows.

    ``bento-client types URL`` writes its subclasses: ``class Summarizer(TypedSyncHTTPClient, schema=...)``. They
    take the arguments of `SyncHTTPClient` and do the same, but ask for no schema. To a type checker they have the
    endpoints that are declared in them, and no others.

    Args:
        schema: of a subclass: the content of the Service's ``/schema.json``; by default that of its own base.
    """

    def __init_subclass__(cls, *, schema: Service | bytes | JSON = None, **others: object) -> None:
        super().__init_subclass__(**others)
        if schema is not None:
            cls._schema = schema

    if TYPE_CHECKING:
        __getattr__: None  # type: ignore[assignment,misc]  # what is not declared is an error
