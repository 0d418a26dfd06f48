"""URLs: base URLs, request targets, and redirects."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bento_proto import RemoteProtocolError
from bento_proto.http import BaseURL, Origin, parse_base_url
from bento_proto.http._url import checked_target, quote_route, quote_segment, resolve
from tests.proto.shapes import service, zoo
from tests.recordings import find

HERE = Origin("http", "h", 80)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h", BaseURL(HERE, "")),
        ("http://h/", BaseURL(HERE, "")),
        ("HTTP://H:80", BaseURL(HERE, "")),
        ("http://h:", BaseURL(HERE, "")),
        ("https://h", BaseURL(Origin("https", "h", 443), "")),
        ("tcp://h:3000", BaseURL(Origin("http", "h", 3000), "")),
        ("tcp://h", BaseURL(HERE, "")),
        ("http://127.0.0.1:33010", BaseURL(Origin("http", "127.0.0.1", 33010), "")),
        ("http://[::1]:8080/x", BaseURL(Origin("http", "::1", 8080), "/x")),
        ("http://[FE80::1%25Eth0]", BaseURL(Origin("http", "fe80::1%Eth0", 80), "")),
        ("http://[fe80::1%25]", BaseURL(Origin("http", "fe80::1%25", 80), "")),
        ("http://[fe80::1%eth0]:81", BaseURL(Origin("http", "fe80::1%eth0", 81), "")),
        ("http://[::ffff:1.2.3.4]", BaseURL(Origin("http", "::ffff:1.2.3.4", 80), "")),
        ("http://255.0.0.1", BaseURL(Origin("http", "255.0.0.1", 80), "")),
        ("http://1.2.3.4.example.", BaseURL(Origin("http", "1.2.3.4.example.", 80), "")),
        ("http://h/gw/zoo//", BaseURL(HERE, "/gw/zoo")),
        ("http://h/ü%20x/(1)", BaseURL(HERE, "/%C3%BC%20x/(1)")),
        ("http://h?", BaseURL(HERE, "")),
        ("http://user:p%40ss@h", BaseURL(HERE, "", "user:p@ss")),
        ("http://user@h", BaseURL(HERE, "", "user")),
        ("http://a:b@c@h", BaseURL(HERE, "", "a:b@c")),
        ("http://@h", BaseURL(HERE, "")),
        ("http://bücher.example", BaseURL(Origin("http", "xn--bcher-kva.example", 80), "")),
        ("http://Straße.example", BaseURL(Origin("http", "xn--strae-oqa.example", 80), "")),  # not strasse.example
        ("http://日本語。ＪＰ", BaseURL(Origin("http", "xn--wgv71a119e.jp", 80), "")),
        ("http://bücher.example.:81", BaseURL(Origin("http", "xn--bcher-kva.example.", 81), "")),
        ("unix:/run/s.sock", BaseURL(Origin("http", "localhost", 80, "/run/s.sock"), "")),
        ("unix:///run/a%20b.sock", BaseURL(Origin("http", "localhost", 80, "/run/a b.sock"), "")),
        ("file:///run/s.sock", BaseURL(Origin("http", "localhost", 80, "/run/s.sock"), "")),
        ("file://localhost/run/s.sock", BaseURL(Origin("http", "localhost", 80, "/run/s.sock"), "")),
    ],
)
def test_base_urls(url: str, expected: BaseURL) -> None:
    assert parse_base_url(url) == expected


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", r"start with http://, https://, tcp:// or unix:, not ''$"),
        ("h", "did you mean http://h\\?"),
        ("localhost:3000", r"did you mean http://localhost:3000\?"),
        ("ftp://h", "start with http://"),
        ("//h", "start with http://"),
        ("http://", "valid host and a port from 1 to 65535"),
        ("http:///x", "valid host"),
        ("http:h", "valid host"),
        ("http://h:0", "a port from 1 to 65535"),
        ("http://h:65536", "a port from 1 to 65535"),
        ("http://h:http", "a port from 1 to 65535"),
        ("http://[::1", "not a URL"),
        ("http://a℀b", "not a URL"),
        ("http://h_h!", "valid host"),
        ("http://" + "ü" * 70, "valid host"),
        ("http://[::1]evil/", "valid host"),
        ("http://evil[::1]/", "valid host"),
        ("http://[::1]:80:81/", "valid host"),
        ("http://[::1]@evil]/", "valid host|not a URL"),
        ("http://[1.2.3.4]/", "valid host|not a URL"),
        ("http://[12345::]/", "valid host|not a URL"),
        ("http://[:::1]/", "valid host|not a URL"),
        ("http://::1/", "valid host"),
        ("http://1.2.3.4\\@evil/", "valid host"),
        ("http://1.2.3.4\\evil/", "valid host"),
        ("http://127.999.1.1", "valid host"),
        ("http://127.1", "valid host"),
        ("http://127.0.0.01", "valid host"),
        ("http://127.0.0.1.", "valid host"),
        ("http://2130706433", "valid host"),
        ("http://0x7f.1", "valid host"),
        ("http://127.0.0.0x1", "valid host"),
        ("http://１２７.1", "valid host"),
        ("http://１２７.０.０.１", "valid host"),
        ("http://①②⑦.0.0.1", "valid host"),
        ("http://1.2.3.4%20@evil/ ", "no spaces"),
        ("http://h:٣", "a port from 1 to 65535"),
        ("http://h:+1", "a port from 1 to 65535"),
        ("http://" + "a." * 128, "valid host"),
        ("http://" + "a" * 64, "valid host"),
        ("http://a..b", "valid host"),
        ("http://.b", "valid host"),
        ("http://.", "valid host"),
        ("http://a\u200bb.\u0301x", "valid host"),
        ("http://\U0001f418.example", "valid host"),  # IDNA 2008 has no emoji
        ("http://h/?k=v", "no query and no fragment"),
        ("http://h/#f", "no query and no fragment"),
        ("http://h/a b", "no spaces and no control characters"),
        ("http://h\r\nx: y", "no spaces and no control characters"),
        ("http://h/\x7f", "no spaces and no control characters"),
        ("http://h/\ud800", "no spaces and no control characters"),
        ("unix:run/s.sock", "must be absolute"),
        ("unix:", "must be absolute"),
        ("unix:/a%00b", "must be absolute"),
        ("file://host/s.sock", "must be absolute"),
    ],
)
def test_an_invalid_base_url_is_a_value_error(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cret@h:x",
        "http://user:s3cret@h/?q",
        "http://user:s3cret@[h",
        "http://user:s3cret@ho℀st",
        "http://user:s3/cret@h",  # a password that should have been quoted
        "http://user:s3#cret@h",
        "http://user:s3?cret@h",
        "http://us@er:s3cret@h:x",
        "http://user:s3 cret@h",
        "user:s3cret@h:80",
        "ftp://user:s3cret@h",
        "unix://user:s3cret@h/x",
    ],
)
def test_no_error_shows_a_password(url: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - any of the messages
        parse_base_url(url)
    assert "s3" not in str(caught.value)
    assert "cret" not in str(caught.value)
    assert "h" in str(caught.value)


URLS = st.text() | st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://", "https://", "tcp://", "unix:", "file://", ""]),
    st.sampled_from(["", "u:p@", "@", "[", "]", "h", "[::1]", "[::1%25", "ß", "xn--", "\u06dd", "\u200d"])
    | st.text(max_size=5),
    st.sampled_from(["", ":80", ":", ":99999"]),
    st.sampled_from(["", "/", "//", "/a", "?", "#"]) | st.text(max_size=5),
)


@settings(max_examples=300)
@given(URLS)
def test_any_text_is_a_base_url_or_an_error(url: str) -> None:
    try:
        base = parse_base_url(url)
    except ValueError:
        return
    assert base.origin.scheme in ("http", "https")
    assert base.origin.host.isascii()
    assert 0 < base.origin.port < 65536
    assert base.path.isascii()
    assert not base.path.endswith("/")
    assert base.path == "" or checked_target("/x" + base.path)


# --- targets


def test_the_repr_of_a_base_url_shows_no_password() -> None:
    base = parse_base_url("https://user:s3cret@host:8/api")
    assert base.userinfo == "user:s3cret"
    assert repr(base) == "<BaseURL https://host:8/api>"


def test_routes_are_encoded_as_recorded() -> None:
    for name in ("weird_route", "path_param_route", "trailing_slash", "nested_route", "root_route"):
        assert quote_route(zoo(name).route) == find(name).target
    odd = service("ZooOdd").endpoints["emoji🐘"]
    assert quote_route(odd.route) == "/emoji%F0%9F%90%98"


@settings(max_examples=200)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_route_is_encoded_as_a_path(text: str) -> None:
    target = quote_route("/x" + text)
    assert checked_target(target) == target
    parts = urlsplit(target)
    assert (parts.netloc, parts.query, parts.fragment) == ("", "", "")
    assert unquote(parts.path) == "/x" + text
    assert quote_segment(text).isascii()
    assert not set(quote_segment(text)) & set("/?#&=")


@pytest.mark.parametrize("path", ["/", "/a", "/a?b=c", "/a%20b", "/a?u=http://h", "/~a/{x}"])
def test_valid_targets_of_a_caller(path: str) -> None:
    assert checked_target(path) == path


@pytest.mark.parametrize(
    "path", ["", "a", "//evil.example", "http://evil.example", "/a b", "/ä", "/a\r\nx: y", "/\x7f", "/a#b"]
)
def test_an_invalid_target_is_a_value_error(path: str) -> None:
    with pytest.raises(ValueError, match="a path must start with a single slash, be percent-encoded"):
        checked_target(path)


# --- redirects


@pytest.mark.parametrize(
    ("location", "origin", "target"),
    [
        ("/x", HERE, "/x"),
        ("x", HERE, "/a/x"),
        ("?q=1", HERE, "/a/b?q=1"),
        ("../x", HERE, "/x"),
        ("", HERE, "/a/b?k=v"),
        ("#f", HERE, "/a/b?k=v"),
        ("http://h/x?y#z", HERE, "/x?y"),
        ("http://h", HERE, "/"),
        (" /x ", HERE, "/x"),
        ("/ü x", HERE, "/%C3%BC%20x"),
        ("/caf\xc3\xa9", HERE, "/caf%C3%A9"),  # raw UTF-8, as HTTP libraries decode it
        ("http://b\xc3\xbccher.example/x", Origin("http", "xn--bcher-kva.example", 80), "/x"),
        ("/%20?%20", HERE, "/%20?%20"),
        ("/?a b&ü", HERE, "/?a%20b&%C3%BC"),
        ("http://u:p@h/x", HERE, "/x"),
        ("//other/x", Origin("http", "other", 80), "/x"),
        ("https://h/x", Origin("https", "h", 443), "/x"),
        ("http://h:81/x", Origin("http", "h", 81), "/x"),
    ],
)
def test_targets_of_redirects(location: str, origin: Origin, target: str) -> None:
    assert resolve(HERE, "/a/b?k=v", location) == (origin, target)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("service.example", "service.example"),
        ("service.example.", "service.example"),
        ("::1", "::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_the_name_that_a_certificate_must_hold(host: str, name: str) -> None:
    assert Origin("https", host, 443).server_name == name


def test_a_redirect_to_the_same_authority_keeps_the_zone() -> None:
    zoned = Origin("http", "fe80::1%eth0", 3000)
    assert (zoned.authority, str(zoned)) == ("[fe80::1]:3000", "http://[fe80::1%25eth0]:3000")
    assert resolve(zoned, "/a", "/b") == (zoned, "/b")
    assert resolve(zoned, "/a", "http://[fe80::1]:3000/b") == (zoned, "/b")
    assert resolve(zoned, "/a", "http://[fe80::2]:3000/b") == (Origin("http", "fe80::2", 3000), "/b")


def test_a_redirect_to_the_same_authority_keeps_the_unix_socket() -> None:
    socket = Origin("http", "localhost", 80, "/run/s.sock")
    assert resolve(socket, "/a", "http://localhost/b") == (socket, "/b")
    assert resolve(socket, "/a", "/b") == (socket, "/b")
    assert resolve(socket, "/a", "http://localhost:81/b") == (Origin("http", "localhost", 81), "/b")


@pytest.mark.parametrize(
    "location",
    [
        "ftp://h/", "mailto:a@b", "https://", "http://[::1", "http://h:x/", "http://h:0/", "javascript:1",
        "http://[::1]evil/", "//1.2.3.4\\@evil/", "//127.999.1.1/", "http://", "http:///x", "http:x", "//", "///x",
        "http://a\tb/", "http://a/\r\nx: y", "/\0", "//1.2.3.4 @evil/", "//1.2.3.4\xa0@evil/", "//１２７.０.０.１/",
    ],
)  # fmt: skip
def test_an_invalid_location_is_a_protocol_error(location: str) -> None:
    with pytest.raises(RemoteProtocolError, match="redirects to a Location that is not a valid http or https URL"):
        resolve(HERE, "/", location)


def test_the_name_of_a_host_is_limited_before_idna_which_takes_quadratic_time(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []

    def encode(name: str, **_options: bool) -> bytes:
        encoded.append(name)
        return b"x"

    monkeypatch.setattr("idna.encode", encode)
    with pytest.raises(RemoteProtocolError):
        resolve(HERE, "/", "//" + "\xfc" * 60_000 + "/")
    assert encoded == []


def test_a_redirect_from_https_to_http_is_an_error() -> None:
    with pytest.raises(RemoteProtocolError, match=r"from https to http \(http://h\); that is never followed"):
        resolve(Origin("https", "h", 443), "/", "http://h/")
    assert resolve(Origin("https", "h", 443), "/", "//h/x")[0].scheme == "https"


@settings(max_examples=300)
@given(
    st.text(st.characters(max_codepoint=255)) | URLS.map(lambda url: url.encode("latin-1", "replace").decode("latin-1"))
)
def test_any_location_is_a_target_or_an_error(location: str) -> None:
    try:
        origin, target = resolve(HERE, "/a", location)
    except RemoteProtocolError:
        return
    assert origin.scheme in ("http", "https")
    assert target.startswith("/")
    assert target.isascii()
    assert target.isprintable()
    assert " " not in target
