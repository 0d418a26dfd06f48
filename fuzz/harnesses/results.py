"""Results of every kind of endpoint: `value_reader` and `stream_reader`, with the schema's own conversions."""

from __future__ import annotations

from bento_proto import Data, End, Exchange, Head, Limits, Request, ResultKind, SchemaError
from bento_proto.exchange import State
from bento_proto.http import Origin
from bento_proto.response._readers import stream_reader, value_reader
from bento_proto.schema import parse_service
from fuzz.support import Source

LIMITS = Limits(body=2048, item=512)
OUTPUTS = (
    '{"type":"object"}', '{"type":"string"}', '{"type":"string","format":"date"}', '{"type":"string","enum":["a"]}',
    '{"type":"string","format":"binary"}', '{"type":"file"}', '{"anyOf":[{"type":"file"},{"type":"null"}]}',
    '{"type":"file","pil":true}', "{}", '{"type":"tensor","dtype":"float32","shape":[2]}', '{"type":"tensor"}',
    '{"type":"dataframe"}', '{"type":"array","items":{"type":"tensor","dtype":"int8"}}',
    '{"anyOf":[{"type":"tensor"},{"type":"null"}]}', '{"$ref":"#/$defs/A","$defs":{"A":{"type":"tensor"}}}',
    '{"$ref":"#/$defs/A","$defs":{"A":{"properties":{"a":{"$ref":"#/$defs/A"},"b":{"type":"dataframe"}}}}}',
    '{"type":"tensor","is_stream":true}', '{"is_stream":true}', '{"type":"string","is_stream":true}',
)  # fmt: skip
TYPES = ("application/json", "text/plain; charset=utf-16", "image/png", "application/octet-stream", "")


def test_one_input(data: bytes) -> None:
    """Whatever the schema says and whatever comes, there is a result, or the exchange's error; nothing is raised."""
    source = Source(data)
    chosen = source.choice((*OUTPUTS, None))
    output = chosen.encode() if chosen is not None else source.take(source.integer(0, 255))
    head = Head(source.choice((200, 204)), (("content-type", source.choice(TYPES)),))
    try:
        service = parse_service(b'{"routes":[{"name":"a","route":"/a","output":' + output + b"}]}")
    except SchemaError:
        assert chosen is None
        return
    for endpoint in service.endpoints.values():
        make = stream_reader if endpoint.output.is_stream else value_reader
        reader = make(endpoint.output, LIMITS)
        exchange = Exchange(Request("POST", Origin("http", "here", 80), "/a"), reader, LIMITS)
        exchange.receive(head)
        if exchange.state is State.RECEIVING:
            exchange.receive(Data(source.rest()))
        if exchange.state is State.RECEIVING:
            exchange.receive(End())
        assert exchange.state in (State.DONE, State.FAILED)
        if exchange.state is State.DONE and exchange.result_kind is ResultKind.VALUE:
            repr(exchange.result)
