"""`parse_service`, and whatever reads a schema afterwards."""

from __future__ import annotations

import inspect
import json

from bento_proto import Head, Limits, SchemaError
from bento_proto.http._url import checked_target, quote_route
from bento_proto.response._readers import stream_reader, value_reader
from bento_proto.schema import ALIAS, attributes, docstring_of, endpoint_for, parse_service, signature_of

RESERVED = frozenset({"close", "request", "is_ready"})


def test_one_input(data: bytes) -> None:
    """A schema is a Service or a `SchemaError`; what was taken once serves for everything after without an error.

    No route leads off the server or climbs, no attribute shadows one of the client's or reaches a private name, and
    each endpoint can be reached by its alias.
    """
    try:
        service = parse_service(data)
    except SchemaError as error:
        assert str(error).startswith("/schema.json is not the schema of a BentoML Service")
        return
    assert repr(parse_service(json.loads(data.decode("utf-8-sig")))) == repr(service)
    assert quote_route(service.prefix) == "" or checked_target(quote_route(service.prefix))
    for name in attributes(service, RESERVED):
        assert name.isidentifier()
        assert not name.startswith("_")
        assert name not in RESERVED
    for name, endpoint in service.endpoints.items():
        assert endpoint.name == name
        assert endpoint_for(service, ALIAS + name, RESERVED) in (name, ALIAS + name)
        assert not {".", ".."} & set(endpoint.route.split("/"))
        assert checked_target(quote_route(endpoint.route)).startswith("/")
        assert isinstance(signature_of(endpoint), inspect.Signature)
        assert isinstance(docstring_of(endpoint), str)
        make = stream_reader if endpoint.output.is_stream else value_reader
        make(endpoint.output, Limits())(Head(200))
