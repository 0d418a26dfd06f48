"""What is a secret: one rule for header fields, URLs and whatever shows them."""

from __future__ import annotations

import copy
import pickle
import traceback

import h11
import pytest

from bento_proto import Exchange, Head, RemoteProtocolError, Request
from bento_proto.http import Headers, Limits, Origin, Proxies, Proxy, ProxyError, parse_base_url
from bento_proto.http._cookies import Cookies
from bento_proto.http._credentials import Credential
from bento_proto.http._headers import checked_fields
from bento_proto.http._redaction import (
    Secret,
    SecretBytes,
    SecretURL,
    forget_frames,
    is_secret,
    redacted_request_fields,
    redacted_response_fields,
    redacted_urls,
    secret_response_fields,
    without_frames,
)
from bento_proto.http11 import HTTP11Exchange, Tunnel
from bento_proto.http11._fast_path import request_start
from bento_proto.http11._socks import open_tunnel
from bento_proto.response._readers import whole_reader
from tests.reports import reported

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/f", "/f"),
        ("/f?task_id=7&page=2&limit=10&offset=20", "/f?task_id=7&page=2&limit=10&offset=20"),
        (f"/f?a={SECRET}", "/f?a=REDACTED"),
        (f"/f?code={SECRET}&state={SECRET};x={SECRET}", "/f?code=REDACTED&state=REDACTED&x=REDACTED"),
        (f"/f?flag&a=&={SECRET}&&b", "/f?flag&a=&=REDACTED&b"),
        ("/f?eyJhbGciOiJIUzI1NiJ9.e30.x", "/f?REDACTED"),
        (f"/f;token={SECRET};v=1/g?x", "/f;token=REDACTED;v=REDACTED/g?x"),
        (f"/f#access_token={SECRET}", "/f"),
        (f"/f?a={SECRET}#{SECRET}?b={SECRET}", "/f?a=REDACTED"),
        (f"//u:{SECRET}@h/p@th", "//h/p@th"),
        (f"https://{SECRET}@h:8443/x", "https://h:8443/x"),
        (f"https://u:{SECRET}@{SECRET}@h", "https://h"),
        (f"\\\\u:{SECRET}@h", "\\\\h"),
        (f"\\\\\\\\u:{SECRET}@h", "\\\\h"),
        (f"https://a\\\\u:{SECRET}@h;v=1", "https://h;v=REDACTED"),
        ("https://a\\\\b\\c/p", "https://a\\\\b\\c/p"),
        ("https://h", "https://h"),
    ],
)
def test_secrets_in_a_url(url: str, shown: str) -> None:
    assert redacted_urls(url) == shown
    assert redacted_urls(shown) == shown
    assert SECRET not in repr(SecretURL(url))


@pytest.mark.parametrize("unit", ["\\", "\\\\a", "//a", ";", "?a"])
def test_a_large_text_is_scanned_once(unit: str) -> None:
    """64 KiB took a minute: the search for the end of a user and password began at each backslash."""
    text = unit * ((1 << 17) // len(unit))
    assert len(redacted_urls(text)) <= len(text) * len("REDACTED&")
    assert len(redacted_urls(f"{text}@h")) <= len(text) * len("REDACTED&")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Set-Cookie", f"a={SECRET}", "REDACTED"),
        ("X-CSRF-Token", SECRET, "REDACTED"),
        ("Location", f"//u:{SECRET}@h/?code={SECRET}#{SECRET}", "//h/?code=REDACTED"),
        ("Location", f"http://[{SECRET}", "REDACTED"),
        ("Content-Location", f"/x?sig={SECRET}", "/x?sig=REDACTED"),
        (
            "Link",
            f'<https://h/?token={SECRET}>; rel=next, </x;s={SECRET}>; rel="a b"',
            '<https://h/?token=REDACTED>; rel=next, </x;s=REDACTED>; rel="a b"',
        ),
        ("Refresh", f"5; url=https://h/?code={SECRET}", "5; url=https://h/?code=REDACTED"),
        ("X-Next", f"https://u:{SECRET}@h/", "https://h/"),
        ("Content-Type", "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("SourceMap", f"//u:{SECRET}@h/", "//h/"),
        ("X-Next", f"/p?code={SECRET}", "/p?code=REDACTED"),
        ("X-Next", f"?code={SECRET}", "?code=REDACTED"),
        ("X-Next", "/p", "/p"),
        ("X-Request", "a?b=c", "a?b=c"),
    ],
)
def test_secrets_in_a_field_of_a_response(name: str, value: str, shown: str) -> None:
    assert redacted_response_fields(((name, value),)) == ((name, shown),)
    headers = Headers(((name, value),))
    assert headers[name] == value
    for text in (
        repr(headers),
        repr(dict(headers)),
        repr(headers.fields),
        repr(headers[name]),
        repr(headers[name][:80]),
    ):
        assert SECRET not in text
    assert (shown == value) == (type(headers[name]) is str)


def test_whatever_a_caller_sends_is_a_secret_unless_its_name_is_known_to_be_harmless() -> None:
    fields = checked_fields({"X-Model": SECRET, "Authorization": SECRET, "Accept": "a/b", "User-Agent": "me"})
    assert fields == (("x-model", SECRET), ("authorization", SECRET), ("accept", "a/b"), ("user-agent", "me"))
    assert repr(fields) == repr(redacted_request_fields(fields))
    assert SECRET not in repr(fields)
    assert not is_secret("x-model")
    assert is_secret("X-Api-Key")


def test_a_secret_is_its_text_for_all_but_repr() -> None:
    for secret in (Secret(SECRET), SecretURL(SECRET), SecretBytes(SECRET.encode())):
        plain = SECRET if isinstance(secret, str) else SECRET.encode()
        assert secret == plain
        assert hash(secret) == hash(plain)
        assert secret[1:4] == plain[1:4]
        assert secret[0] == plain[0]
        assert {secret: 1}[plain] == 1  # type: ignore[index]
        for again in (copy.copy(secret), copy.deepcopy(secret), pickle.loads(pickle.dumps(secret))):
            assert type(again) is type(secret)
            assert again == plain
    assert f"{Secret(SECRET)}" == str(Secret(SECRET)) == SECRET
    assert type(str(Secret(SECRET))) is str
    assert SecretBytes(SECRET.encode()).decode() == SECRET
    assert repr([Secret(SECRET), SecretBytes(SECRET.encode())]) == "['REDACTED', b'REDACTED']"
    for cut in (repr(Secret(SECRET)[:80]), repr(SecretBytes(SECRET.encode())[:80])):  # as rich cuts long texts
        assert SECRET not in cut


def test_what_holds_a_credential_shows_none() -> None:
    credential = Credential(parse_base_url("http://h"), SECRET, {})
    fields = credential.added(())
    assert dict(fields)["authorization"] == f"Bearer {SECRET}"
    cookies = Cookies()
    cookies.take(Origin("http", "h", 80), "/", Head(200, (("set-cookie", f"a={SECRET}"),)), 0.0)
    request = cookies.added(Request("GET", Origin("http", "h", 80), "/"), 0.0)
    assert request.headers == (("cookie", f"a={SECRET}"),)
    proxy = Proxy(Origin("http", "p", 80), SECRET)
    tunnel = Tunnel(proxy, Origin("https", "h", 443), Limits())
    assert b"proxy-authorization: " in tunnel.request.lower()
    base = parse_base_url(f"http://me:{SECRET}@h")
    assert base.userinfo == f"me:{SECRET}"
    shown = (
        fields,
        vars(credential),
        cookies.kept,
        request.headers,
        proxy.headers,
        tunnel.request,
        base,
        base.userinfo,
    )
    basic = dict(proxy.headers)["proxy-authorization"].partition(" ")[2]
    for text in map(repr, shown):
        assert SECRET not in text
        assert str(basic) not in text


@pytest.mark.parametrize(
    "answers", [[b"\5\2", b"\1\1"], [b"\5\2\1\1"], [b"\5\2\1\0\5\2\0\1\0"], [b"\5\xff"], [b"\5\2", b""]]
)
@pytest.mark.parametrize("password", [SECRET, SECRET * 99])
def test_no_error_of_a_socks_proxy_shows_its_password(answers: list[bytes], password: str) -> None:
    origin = Origin("https", "h", 443)
    proxy = Proxies(f"socks5://me:{password}@p:1080", {}).route(origin).proxy
    assert proxy is not None
    assert proxy.userinfo == f"me:{password}"
    assert SECRET not in repr(proxy.userinfo)
    tunnel = open_tunnel(proxy, origin, Limits())
    with pytest.raises(ProxyError) as info:
        for answer in answers:
            tunnel.receive(answer)
    assert [text for text in reported(info.value) if SECRET in text] == []


def test_the_head_of_a_request_that_cant_be_sent_is_in_no_frame() -> None:
    with pytest.raises(ValueError, match="can't be sent") as info:
        request_start("GET", "/", (("authorization", Secret(SECRET)), ("a b", "")))
    report = traceback.TracebackException.from_exception(info.value, capture_locals=True)
    assert SECRET not in "".join(report.format()).replace(f'"{SECRET}"', "")


def test_exceptions_leave_the_frames_of_a_function_behind() -> None:
    @without_frames
    def failing(token: str, *, more: str = "") -> None:
        """Its own description."""
        try:
            raise KeyError(token + more)
        except KeyError as exc:
            raise ValueError("no") from exc

    @without_frames
    def fine(number: int) -> int:
        return number + 1

    assert fine(1) == 2
    assert failing.__doc__ == "Its own description."
    with pytest.raises(ValueError, match="no") as info:
        failing("hidden", more="too")
    assert [frame.name for frame in traceback.extract_tb(info.value.__traceback__)][1:] == ["call"]
    assert isinstance(info.value.__cause__, KeyError)
    assert info.value.__cause__.__traceback__ is None


def test_a_suppressed_exception_which_may_quote_a_secret_is_forgotten_with_its_frames() -> None:
    @without_frames
    def failing(url: str) -> None:
        try:
            raise KeyError(url)
        except KeyError:
            raise ValueError("no") from None

    with pytest.raises(ValueError, match="no") as info:
        failing(f"http://me:{SECRET}@h")
    assert info.value.__context__ is None
    cause, error = KeyError(), ValueError()
    error.__cause__, cause.__context__ = cause, error  # a cycle
    forget_frames(error)


def test_a_field_of_the_callers_stays_hidden_among_those_of_a_response() -> None:
    (field,) = secret_response_fields((("x-kind", Secret(f"https://h/{SECRET}")),))
    assert repr(field) == "('x-kind', 'REDACTED')"


@pytest.mark.parametrize("name", [f"Authorization: Bearer {SECRET}", f"X-Key={SECRET}", f"Bearer {SECRET}"])
def test_a_secret_in_the_name_of_a_header_is_not_shown(name: str) -> None:
    with pytest.raises(ValueError, match=r"not a valid header name: '(Authorization|X-Key|Bearer)'") as info:
        checked_fields({name: ""})
    assert info.value.__traceback__ is not None
    assert SECRET not in repr(info.value)


def test_the_fields_of_a_response_are_hidden_in_whatever_form_it_comes() -> None:
    assert SECRET not in repr(Head(200, [("Set-Cookie", f"a={SECRET}")]).first)  # type: ignore[arg-type]  # a transport's
    for usual in (b"", b"Transfer-Encoding: identity\r\n"):
        exchange = responded(b"HTTP/1.1 500 No\r\nSet-Cookie: a=%b\r\n%b\r\n" % (SECRET.encode(), usual))
        head = exchange.head
        if head is not None:
            assert SECRET not in repr(head.headers) + repr(head.first)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"Set-Cookie: a={SECRET}\0", "illegal header line Set-Cookie:"),
        (f"Set-Cookie a={SECRET}:\"'b:", "illegal header line"),
        (f" {SECRET}", "continuation line at start of headers"),
    ],
)
def test_what_is_said_of_a_malformed_field_shows_its_name_only(line: str, reason: str) -> None:
    failure = responded(f"HTTP/1.1 200 OK\r\n{line}\r\n\r\n".encode()).failure
    assert failure is not None
    assert failure.reason == f"the server does not speak HTTP/1.1: {reason}"
    assert isinstance(failure.cause, h11.RemoteProtocolError)
    assert failure.cause.__traceback__ is None
    assert SECRET not in repr(failure.cause)
    tunnel = Tunnel(Proxy(Origin("http", "p", 3128)), Origin("https", "h", 443), Limits())
    with pytest.raises(ProxyError, match="does not speak HTTP") as info:
        tunnel.receive(f"HTTP/1.1 200 OK\r\n{line}\r\n\r\n".encode())
    assert str(info.value).endswith(reason)
    assert SECRET not in repr(info.value.__cause__)


def responded(data: bytes) -> Exchange[object]:
    exchange: Exchange[object] = Exchange(
        Request("GET", Origin("http", "h", 80), "/"), whole_reader(bytes, 9), Limits()
    )
    http11 = HTTP11Exchange(exchange)
    list(http11.segments())
    http11.receive(data)
    return exchange


def test_a_redacted_field_keeps_its_name_as_it_came() -> None:
    assert secret_response_fields((("X-Kind", "a"), ("SET-COOKIE", "b"))) == (("X-Kind", "a"), ("SET-COOKIE", "b"))


def test_what_the_caller_handles_keeps_its_traceback() -> None:
    @without_frames
    def refuse() -> None:
        raise ValueError

    made = Exchange(Request("GET", Origin("http", "h", 80), "/"), whole_reader(bytes, 9), Limits())
    wire = HTTP11Exchange(made)
    list(wire.segments())
    try:
        raise KeyError
    except KeyError as handled:
        with pytest.raises(ValueError) as refused:  # noqa: PT011
            refuse()
        wire.receive(b"HTTP/1.1 200 OK\r\nno field\r\n\r\n")
        kept = (refused.value.__context__ is handled, handled.__traceback__ is not None)
    assert kept == (True, True)
    assert isinstance(made.error, RemoteProtocolError)
