"""Where redirects lead, and what goes there."""

from __future__ import annotations

import re

from bento_proto import Exchange, Head, Limits, RemoteProtocolError, Request
from bento_proto.http import FilePart, parse_base_url
from bento_proto.http11 import HTTP11Exchange
from bento_proto.policy._redirect import redirected
from bento_proto.response import RawDecoder
from fuzz.support import Source

BASES = ("http://here:3000", "https://here", "http://[::1]:80/under", "unix:/run/here.sock", "http://here.")
TARGETS = ("/", "/a/b?c=d", "//a", "/a%2F..", "/a;b/../c")
HEADERS = (
    ("accept", "*/*"), ("authorization", "Bearer s3cr3t"), ("cookie", "a=s3cr3t"), ("x-key", "s3cr3t"),
    ("content-type", "application/json"), ("proxy-authorization", "s3cr3t"),
)  # fmt: skip
HARMLESS = {"accept", "accept-encoding", "content-type", "user-agent"}
TARGET = re.compile(r"/[!-~]*")


def test_one_input(data: bytes) -> None:
    """A redirect is followed by a request that can be sent, or it is a `RemoteProtocolError`.

    It never leads from https to http; to another origin it takes no header that may be a credential. A body that can't
    be sent again is not sent again.
    """
    source = Source(data)
    home = parse_base_url(source.choice(BASES)).origin
    status = source.choice((301, 302, 303, 307, 308))
    replayable = source.flag()
    request = Request("POST", home, source.choice(TARGETS), HEADERS, (b"{}", FilePart(None, 3, replayable)))
    for _ in range(3):
        location = source.field().decode("latin-1").strip(" \t\r\n")
        exchange = Exchange(request, lambda head: RawDecoder(), Limits())
        exchange.receive(Head(status, (("location", location),)))
        try:
            there = redirected(request, exchange.head)
        except RemoteProtocolError:
            return
        assert TARGET.fullmatch(there.target)
        assert "#" not in there.target
        assert there.origin.scheme in ("http", "https")
        assert (home.scheme, there.origin.scheme) != ("https", "http")
        assert there.origin.socket in (None, home.socket)
        assert (there.method, there.body) == (("GET", ()) if status == 303 else (request.method, request.body))
        assert replayable or not there.body
        if there.origin != home:
            assert {name for name, _ in there.headers} <= HARMLESS
            assert "s3cr3t" not in str(there.headers)
        list(HTTP11Exchange(Exchange(there, lambda head: RawDecoder(), Limits())).segments())
        request = there
