"""Base URLs, and the paths under them."""

from __future__ import annotations

import re

from bento_proto import Exchange, Limits, Request
from bento_proto.http import BaseURL, parse_base_url
from bento_proto.http._url import checked_target, quote_route, quote_segment
from bento_proto.http11 import HTTP11Exchange
from bento_proto.response import RawDecoder
from fuzz.support import Source

PATH = re.compile(r"(?:/[!-~]*)?")
SECRET = "s3cr3t"


def test_one_input(data: bytes) -> None:
    """A URL is taken apart, or a `ValueError` that shows no password; what was taken apart can be put together again.

    Whatever is quoted is visible ASCII, and a request that can be sent.
    """
    source = Source(data)
    doing = source.integer(0, 3)
    text = source.rest().decode("utf-8", "surrogateescape")
    if doing == 0:
        _base(text)
    elif doing == 1:
        scheme, _, rest = text.partition("://")
        _base(f"{scheme}://user:{SECRET}@{rest}")
    elif doing == 2:
        _base("http://" + text)
    elif any("\ud800" <= c <= "\udfff" for c in text):
        return  # nothing that the core takes from a server has such text in it
    else:
        for quoted in ("/" + quote_route(text), "/" + quote_segment(text)):
            assert PATH.fullmatch(quoted)
            assert not set(quoted) & set('?# "<>\\^`{|}')
        assert "/" not in quote_segment(text)
        try:
            target = checked_target(text)
        except ValueError:
            return
        _sent(parse_base_url("http://here"), target)


def _base(url: str) -> None:
    try:
        base = parse_base_url(url)
    except ValueError as error:
        assert SECRET not in str(error), str(error)
        return
    origin = base.origin
    assert origin.scheme in ("http", "https")
    assert 0 < origin.port < 65536
    assert origin.host.isascii()
    assert PATH.fullmatch(base.path)
    assert not base.path.endswith("/")
    if origin.socket is None:
        assert SECRET not in f"{origin}{base.path}{origin.authority}" or SECRET in url.rpartition("@")[2]
        again = parse_base_url(f"{origin}{base.path}")
        assert again == base.replace(userinfo=None)
    else:
        assert origin.socket.startswith("/")
    _sent(base, base.path or "/")


def _sent(base: BaseURL, target: str) -> None:
    request = Request("GET", base.origin, target)
    list(HTTP11Exchange(Exchange(request, lambda head: RawDecoder(), Limits())).segments())
