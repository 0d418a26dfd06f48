"""Cookies."""

from __future__ import annotations

import re

from bento_proto import Head
from bento_proto.http import Origin
from bento_proto.http._cookies import Cookies, set_cookies
from fuzz.support import Source

HERE = Origin("http", "here", 80)
ORIGINS = (HERE, Origin("https", "here", 443), Origin("http", "here", 81), Origin("http", "there", 80))
TARGETS = ("/", "/a", "/a/b?c=d", "/ab", "//a", "/a/")
MOST = 100
DATE = ("date", "Mon, 23 Nov 2026 19:20:16 GMT")
VALUE = re.compile(r"[\x20-\x7e\x80-\xff]+")


def test_one_input(data: bytes) -> None:
    """Whatever is set, a cookie goes back to its own origin only, and if it is secure, over https only.

    What goes out can stand in a header, and what is kept is bounded.
    """
    source = Source(data)
    cookies = Cookies()
    setter = source.choice(ORIGINS)
    now = 0.0
    set_at_all = False
    for line in source.rest().split(b"\n"):
        part = Source(line)
        now += part.integer(0, 3)
        target = part.choice(TARGETS)
        value = part.rest().decode("latin-1").strip(" \t\r\0")
        head = Head(200, (DATE, ("Set-Cookie", value)))
        cookies.take(setter, target, head, now)
        assert all(name and name == name.strip() for name in set_cookies(head))
        set_at_all = set_at_all or cookies.header(setter, target, now) is not None
    assert len(cookies.kept) <= MOST
    for origin in ORIGINS:
        for target in TARGETS:
            header = cookies.header(origin, target, now)
            assert header is None or origin == setter, "a cookie leaves its origin"
            assert header is None or VALUE.fullmatch(header)
    for (origin, path, name), kept in cookies.kept.items():
        assert origin == setter
        assert path.startswith("/")
        assert name
        header = cookies.header(origin, path, now)
        if kept.secure and origin.scheme == "http":
            others = sum(other.secure is False and key[2] == name for key, other in cookies.kept.items())
            assert others or f"{name}={kept.value}" not in (header or "").split("; ")
