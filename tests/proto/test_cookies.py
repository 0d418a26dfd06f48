"""Cookies are sent to the origin that set them, by path, lifetime and Secure."""

from __future__ import annotations

import pytest

from bento_proto import Head, Request
from bento_proto.http import Origin
from bento_proto.http._cookies import Cookies, set_cookies

HERE = Origin("http", "service", 3000)
SECURE = Origin("https", "service", 443)
NOW = "Mon, 23 Nov 2026 19:20:16 GMT"


def kept(*cookies: str, origin: Origin = HERE, target: str = "/v1/call?x=1") -> Cookies:
    jar = Cookies()
    jar.take(origin, target, Head(200, (("date", NOW), *(("set-cookie", cookie) for cookie in cookies))), now=100.0)
    return jar


def test_no_cookies_mean_no_field() -> None:
    assert Cookies().header(HERE, "/", 0.0) is None


def test_cookies_are_sent_to_the_origin_that_set_them() -> None:
    assert kept("session=abc; HttpOnly", "lang=en; Path=/").header(HERE, "/v1/other", 100.0) == "session=abc; lang=en"


@pytest.mark.parametrize(
    "origin", [HERE.replace(host="other"), HERE.replace(port=3001), SECURE, HERE.replace(socket="/s")]
)
def test_cookies_are_sent_to_no_other_origin(origin: Origin) -> None:
    assert kept("session=abc; Path=/; Domain=service").header(origin, "/", 100.0) is None


@pytest.mark.parametrize(
    ("path", "target", "goes"),
    [
        ("/v1", "/v1", True),
        ("/v1", "/v1/call?y=2", True),
        ("/v1/", "/v1/call", True),
        ("/v1", "/v10", False),
        ("/v1", "/", False),
        ("/", "/anything", True),
        ("v1", "/v1/other", True),  # no path: that of the request counts, without its last segment
        ("v1", "/other", False),
    ],
)
def test_cookies_are_sent_by_path(path: str, target: str, goes: bool) -> None:
    assert (kept(f"a=1; Path={path}").header(HERE, target, 100.0) == "a=1") is goes


def test_the_default_path_of_a_request_at_the_root_matches_all() -> None:
    assert kept("a=1", target="/call").header(HERE, "/v1/x", 100.0) == "a=1"


def test_cookies_with_longer_paths_come_first() -> None:
    assert kept("a=1; Path=/", "b=2; Path=/v1").header(HERE, "/v1", 100.0) == "b=2; a=1"


def test_secure_cookies_are_sent_over_tls_only() -> None:
    assert kept("a=1; Secure; Path=/", "b=2; Path=/").header(HERE, "/", 100.0) == "b=2"
    jar = kept("a=1; Secure; Path=/", origin=SECURE)
    assert jar.header(SECURE, "/", 100.0) == "a=1"
    for plain in (SECURE.replace(scheme="http"), SECURE.replace(scheme="http", port=80)):
        jar.take(plain, "/", Head(200, (("set-cookie", "a=2; Path=/"), ("set-cookie", "a=; Max-Age=0; Path=/"))), 100.0)
        assert jar.header(plain, "/", 100.0) is None
    assert jar.header(SECURE, "/", 100.0) == "a=1", "and are not replaced in the open"


@pytest.mark.parametrize(
    ("attribute", "seconds"),
    [
        ("Max-Age=60", 60.0),
        ("Max-Age=60; Expires=Mon, 23 Nov 2026 19:20:18 GMT", 60.0),
        ("Expires=Mon, 23 Nov 2026 19:20:18 GMT", 2.0),
    ],
)
def test_cookies_expire(attribute: str, seconds: float) -> None:
    jar = kept(f"a=1; Path=/; {attribute}")
    assert jar.header(HERE, "/", 100.0 + seconds - 0.5) == "a=1"
    assert jar.header(HERE, "/", 100.0 + seconds) is None


@pytest.mark.parametrize("lifetime", ["Max-Age=nonsense", "Max-Age=٣", "Expires=whenever"])
def test_an_invalid_lifetime_is_ignored(lifetime: str) -> None:
    assert kept(f"a=1; Path=/; {lifetime}").header(HERE, "/", 1e9) == "a=1"


@pytest.mark.parametrize(
    "lifetime",
    [
        "Max-Age=0",
        "Max-Age=-1",
        "Expires=Mon, 23 Nov 2026 19:20:10 GMT",
        "Expires=Thu, 01-Jan-70 00:00:01 GMT",
        "Expires=Thu Jan 1 1970 00:00:00 GMT",
    ],
)
def test_an_expired_cookie_is_removed(lifetime: str) -> None:
    assert kept("a=1; Path=/", f"a=; Path=/; {lifetime}").header(HERE, "/", 100.0) is None


def test_the_last_cookie_of_a_name_counts() -> None:
    assert kept("a=1; Path=/", "a=2; Path=/").header(HERE, "/", 100.0) == "a=2"


@pytest.mark.parametrize("cookie", ["nonsense", "=1", " =1", "a=1\x00", "a=\x7f", "a=" + "x" * 5000])
def test_an_invalid_cookie_is_not_stored(cookie: str) -> None:
    assert kept(cookie).header(HERE, "/v1/call", 100.0) is None


def test_the_size_of_the_cookie_field_is_bounded() -> None:
    one = "x" * 4000
    header = kept(*(f"c{number}={one}; Path=/" for number in range(9)), "d=1; Path=/v1").header(HERE, "/v1", 100.0)
    assert header == f"d=1; c0={one}; c1={one}"
    two = (f"a={one}; Path=/", f"b={one}; Path=/")
    for length, sent in ((180, True), (181, False)):
        header = kept(*two, f"c={'y' * length}; Path=/").header(HERE, "/", 100.0)
        assert header is not None
        assert ("; c=" in header) is sent
        assert len(header) == (8190 if sent else 8006)


def test_the_number_of_cookies_is_bounded() -> None:
    header = kept(*(f"c{number}=1; Path=/" for number in range(1000))).header(HERE, "/", 100.0)
    assert header is not None
    assert header.count("=") == 100
    assert header.endswith("c998=1; c999=1")  # those set longest ago go


def test_cookies_follow_those_of_the_caller_in_one_field() -> None:
    jar = kept("a=1; Path=/", "b=2; Path=/v1")
    request = Request("GET", HERE, "/v1/call", (("cookie", "mine=0"), ("x", "y")), (b"body",))
    added = jar.added(request, 100.0)
    assert added.headers == (("x", "y"), ("cookie", "mine=0; b=2; a=1"))
    assert (added.method, added.origin, added.target, added.body) == ("GET", HERE, "/v1/call", (b"body",))
    assert request.headers[0] == ("cookie", "mine=0")
    assert jar.added(Request("GET", HERE, "/"), 100.0).headers == (("cookie", "a=1"),)
    other = Request("GET", SECURE, "/")
    assert jar.added(other, 100.0) is other


def test_the_cookies_that_a_response_sets() -> None:
    head = Head(
        200, (("Set-Cookie", 'a="1"; Path=/'), ("set-cookie", "b = 2"), ("set-cookie", "c"), ("set-cookie", "="))
    )
    assert set_cookies(head) == {"a": "1", "b": "2"}
