"""The choice of a proxy for an origin, and the redaction of its credentials."""

from __future__ import annotations

import base64
import pickle
from types import EllipsisType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bento_proto import FailureKind
from bento_proto.http import (
    ConnectionFailed,
    Origin,
    Proxies,
    Proxy,
    ProxyError,
    Route,
    connect_failure,
    parse_base_url,
)

SECRET = "s3cr3t"


def route(url: str, proxy: str | EllipsisType | None = ..., /, **environ: str) -> Route:
    """The way to the origin of a URL."""
    return Proxies(proxy, environ).route(parse_base_url(url).origin)


def told(url: str, proxy: str | EllipsisType | None = ..., /, **environ: str) -> tuple[str | None, str]:
    """The URL of the proxy, and what decided so."""
    found = route(url, proxy, **environ)
    return None if found.proxy is None else str(found.proxy), found.source


# --- by argument


@pytest.mark.parametrize("url", ["http://h", "https://h", "http://localhost:3000", "https://[::1]"])
def test_the_argument_is_used_for_all_origins(url: str) -> None:
    environ = {"https_proxy": "http://other", "http_proxy": "http://other", "no_proxy": "*"}
    assert told(url, "http://p:3128", **environ) == ("http://p:3128", "argument")
    assert told(url, None, **environ) == (None, "argument")


def test_what_is_sent_to_a_proxy() -> None:
    forwarding, tunnelling = route("http://h", f"http://me:{SECRET}@p"), route("https://h", f"http://me:{SECRET}@p")
    assert (forwarding.forwarder, tunnelling.forwarder) == (forwarding.proxy, None)
    socks = route("http://h", f"socks5://me:{SECRET}@p")
    assert socks.forwarder is None  # it knows nothing of HTTP
    assert forwarding.proxy is not None
    assert socks.proxy is not None
    assert (socks.proxy.is_socks, socks.proxy.headers, socks.proxy.userinfo) == (True, (), f"me:{SECRET}")
    assert (forwarding.proxy.is_socks, forwarding.proxy.userinfo) == (False, None)
    assert SECRET not in repr(socks)
    copy = pickle.loads(pickle.dumps(socks.proxy))
    assert (copy.origin, copy.userinfo) == (socks.proxy.origin, f"me:{SECRET}")


def test_a_unix_socket_has_no_proxy() -> None:
    assert told("unix:/run/s.sock", "http://p:3128") == (None, "Unix socket")
    assert told("unix:/run/s.sock", http_proxy="http://p:3128") == (None, "Unix socket")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://p", "http://p"),
        ("http://p/", "http://p"),
        ("HTTP://P:3128", "http://p:3128"),
        ("https://p", "https://p"),
        ("https://p:8443", "https://p:8443"),
        ("http://[::1]:3128", "http://[::1]:3128"),
        (f"http://me:{SECRET}@p:3128", "http://p:3128"),
        ("socks5://p", "socks5://p"),
        (f"SOCKS5H://me:{SECRET}@P:1081", "socks5://p:1081"),
    ],
)
def test_origins_of_proxies(url: str, expected: str) -> None:
    assert told("https://h", url) == (expected, "argument")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"socks4://me:{SECRET}@p:1080", "or socks5:// for SOCKS"),
        ("socks://p", "start with http"),
        (f"socks5://me:{SECRET}@p/path", "end with its host and port"),
        ("ftp://p", "start with http"),
        ("p:3128", "start with http"),
        ("", "start with http"),
        ("unix:/run/p.sock", "start with http"),
        (f"http://me:{SECRET}@p/path", "end with its host and port"),
        ("http://p?a=b", "end with its host and port"),
        ("http://p#top", "end with its host and port"),
        ("http://", "valid host"),
        (f"http://me:{SECRET}@p:0", "from 1 to 65535"),
        (f"http://me:{SECRET}\n@p", "no spaces"),
    ],
)
def test_an_invalid_argument_is_a_value_error(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Proxies(url, {})
    assert SECRET not in str(caught.value)


# --- by the environment


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("http://h", {}, (None, "default")),
        ("http://h", {"HTTP_PROXY": "http://p"}, ("http://p", "HTTP_PROXY")),
        ("http://h", {"http_proxy": "http://p"}, ("http://p", "http_proxy")),
        ("http://h", {"http_proxy": "http://p", "HTTP_PROXY": "http://q"}, ("http://p", "http_proxy")),
        ("http://h", {"HTTPS_PROXY": "http://p"}, (None, "default")),
        ("https://h", {"HTTPS_PROXY": "http://p"}, ("http://p", "HTTPS_PROXY")),
        ("https://h", {"https_proxy": "https://p:8443"}, ("https://p:8443", "https_proxy")),
        ("https://h", {"HTTP_PROXY": "http://p"}, (None, "default")),
        ("https://h", {"ALL_PROXY": "http://p"}, ("http://p", "ALL_PROXY")),
        ("http://h", {"all_proxy": "http://p", "HTTP_PROXY": "http://q"}, ("http://q", "HTTP_PROXY")),
        ("http://h", {"all_proxy": "socks5://p", "HTTP_PROXY": "http://q"}, ("http://q", "HTTP_PROXY")),
        ("http://h", {"ALL_PROXY": "socks5h://p:1080"}, ("socks5://p", "ALL_PROXY")),
        # As people write them:
        ("http://h", {"HTTP_PROXY": "p:3128"}, ("http://p:3128", "HTTP_PROXY")),
        ("http://h", {"HTTP_PROXY": " http://p/ "}, ("http://p", "HTTP_PROXY")),
        ("http://h", {"HTTP_PROXY": ""}, (None, "default")),
        ("http://h", {"http_proxy": "", "HTTP_PROXY": "http://p"}, ("http://p", "HTTP_PROXY")),
        ("http://h", {"Http_Proxy": "http://p"}, (None, "default")),
        # What a request to a CGI program can set is not its environment's word:
        ("http://h", {"HTTP_PROXY": "http://evil", "REQUEST_METHOD": "GET"}, (None, "default")),
        ("http://h", {"HTTP_PROXY": "http://evil", "http_proxy": "http://p", "REQUEST_METHOD": ""},
         ("http://p", "http_proxy")),
        ("https://h", {"HTTPS_PROXY": "http://p", "REQUEST_METHOD": "GET"}, ("http://p", "HTTPS_PROXY")),
    ],
)  # fmt: skip
def test_proxies_of_the_environment(url: str, environ: dict[str, str], expected: tuple[str | None, str]) -> None:
    assert told(url, **environ) == expected


@pytest.mark.parametrize("url", ["http://localhost", "https://localhost:8443", "http://127.0.0.1", "http://127.9.9.9:1",
                                 "http://[::1]:3000"])  # fmt: skip
def test_loopback_ignores_the_environment(url: str) -> None:
    assert told(url, ALL_PROXY="http://p") == (None, "loopback")
    assert told(url, ALL_PROXY="socks5://p") == (None, "loopback")


@pytest.mark.parametrize(
    ("url", "exempt", "is_exempt"),
    [
        ("http://h", "*", True),
        ("http://h", " * ", True),
        ("http://h", "", False),
        ("http://h", ",, ", False),
        ("http://h", "h", True),
        ("http://H", "H", True),
        ("http://h", "x,h", True),
        ("http://h", "x h", True),
        ("http://h", "x , h ,y", True),
        ("http://h.", "h", True),
        ("http://straße.example", "straße.example", True),
        ("http://a.STRASSE.example", "straße.example", False),
        ("http://a.straße.example", "*.Straße.example", True),
        ("http://a.straße.example", ".xn--strae-oqa.example", True),
        ("http://h", "\U0001f418", False),
        ("http://h", "a" * 300, False),
        ("http://[fe80::1%25eth0]", "fe80::/10", True),
        ("http://gpu1", "gpu1", True),
        ("http://gpu1", "gpu", False),
        ("http://a.example.com", "example.com", True),
        ("http://a.example.com", ".example.com", True),
        ("http://a.example.com", "*.example.com", True),
        ("http://example.com", ".example.com", True),
        ("http://notexample.com", "example.com", False),
        ("http://example.com", "a.example.com", False),
        ("http://example.com", "com", True),
        ("http://example.com", ".", False),
        ("http://example.com", "example.com:80", True),
        ("http://example.com:8080", "example.com:80", False),
        ("https://example.com", "example.com:443", True),
        ("http://example.com", "example.com:x", False),
        ("http://10.1.2.3", "10.1.2.3", True),
        ("http://10.1.2.3", "10.0.0.0/8", True),
        ("http://10.1.2.3", "10.1.2.99/24", True),
        ("http://10.1.2.3", "10.1.2.3:80", True),
        ("http://10.1.2.3:81", "10.1.2.3:80", False),
        ("http://11.1.2.3", "10.0.0.0/8", False),
        ("http://10.1.2.3", "10.0.0.0/99", False),
        ("http://10.1.2.3", "fd00::/8", False),
        ("http://10.1.2.3", "example.com", False),
        ("http://10.1.2.3", "3", False),
        ("http://[fd00::1]", "fd00::1", True),
        ("http://[fd00::1]", "[fd00::1]", True),
        ("http://[fd00::1]:81", "[fd00::1]:81", True),
        ("http://[fd00::1]:81", "[fd00::1]:80", False),
        ("http://[fd00::1]", "fd00::/8", True),
        ("http://[fe80::1]", "fd00::/8", False),
        ("http://10.example", "10.0.0.0/8", False),
    ],
)
def test_matches_of_no_proxy(url: str, exempt: str, is_exempt: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        expected = (None, name) if is_exempt else ("http://p", "ALL_PROXY")
        assert told(url, ALL_PROXY="http://p", **{name: exempt}) == expected


def test_lower_case_no_proxy_takes_precedence() -> None:
    assert told("http://h", ALL_PROXY="http://p", no_proxy="x", NO_PROXY="h") == ("http://p", "ALL_PROXY")


@pytest.mark.parametrize("value", [f"socks4://me:{SECRET}@p:1080", f"http://me:{SECRET}@p:99999", "http://", "ftp://p"])
def test_an_invalid_url_in_the_environment_is_a_proxy_error(value: str) -> None:
    with pytest.raises(ProxyError, match="variable HTTPS_PROXY is not the URL") as caught:
        route("https://h", HTTPS_PROXY=value)
    assert caught.value.kind is FailureKind.PROXY  # going there without one is not for this client to decide
    assert SECRET not in str(caught.value)
    assert told("https://h", HTTPS_PROXY=value, NO_PROXY="h") == (None, "NO_PROXY")
    assert told("http://h", HTTPS_PROXY=value) == (None, "default")


SYSTEM = {"http": "http://p:3128", "https": " q:3128 ", "ftp": "http://f", "no": "h"}


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("http://h", {}, ("http://p:3128", "system settings")),
        ("https://h", {}, ("http://q:3128", "system settings")),
        ("http://h", {"HTTP_PROXY": " ", "FTP_PROXY": "http://f"}, ("http://p:3128", "system settings")),
        ("http://h", {"HTTP_PROXY": "http://evil", "REQUEST_METHOD": "GET"}, ("http://p:3128", "system settings")),
        ("http://h", {"HTTP_PROXY": "http://e"}, ("http://e", "HTTP_PROXY")),
        ("http://h", {"https_proxy": "http://e"}, (None, "default")),  # the environment names one, for others
        ("http://h", {"ALL_PROXY": "http://e"}, ("http://e", "ALL_PROXY")),
        ("http://h", {"NO_PROXY": "h"}, (None, "NO_PROXY")),
        ("http://h", {"NO_PROXY": "other"}, ("http://p:3128", "system settings")),
        ("http://localhost", {}, (None, "loopback")),
    ],
)
def test_proxies_of_the_system(url: str, environ: dict[str, str], expected: tuple[str | None, str]) -> None:
    found = Proxies(..., environ, SYSTEM).route(parse_base_url(url).origin)
    assert (None if found.proxy is None else str(found.proxy), found.source) == expected


def test_an_argument_has_precedence_over_the_system() -> None:
    origin = Origin("http", "h", 80)
    assert Proxies(None, {}, SYSTEM).route(origin).proxy is None
    assert str(Proxies("http://e", {}, SYSTEM).route(origin).proxy) == "http://e"
    assert Proxies(..., {}, {"socks": "http://p"}).route(origin).source == "default"


def test_an_invalid_url_in_the_settings_of_the_system_is_a_proxy_error() -> None:
    with pytest.raises(ProxyError, match="the proxy of the system settings is not the URL") as caught:
        Proxies(..., {}, {"http": f"socks4://me:{SECRET}@p:1080"}).route(Origin("http", "h", 80))
    assert SECRET not in str(caught.value)


def test_later_changes_of_the_environment_are_ignored() -> None:
    environ = {"HTTP_PROXY": "http://p"}
    proxies = Proxies(..., environ)
    environ["HTTP_PROXY"] = "http://q"
    assert str(proxies.route(Origin("http", "h", 80)).proxy) == "http://p"


@given(st.text(), st.text(), st.from_regex(r"[a-z0-9.:-]{1,20}", fullmatch=True))
def test_any_text_in_the_environment_is_a_proxy_or_an_error(value: str, exempt: str, host: str) -> None:
    try:
        found = Proxies(..., {"all_proxy": value, "no_proxy": exempt}).route(Origin("http", host, 80))
    except ProxyError:
        return
    assert found.source in ("all_proxy", "no_proxy", "default", "loopback")


# --- what is made of it


def test_http_is_forwarded_and_https_is_tunnelled() -> None:
    handed, tunnelled = route("http://h", "http://p"), route("https://h", "http://p")
    assert handed.forwarder is handed.proxy is not None
    assert tunnelled.forwarder is None
    assert route("http://h", None).forwarder is None


def test_the_text_of_a_route_has_origin_proxy_and_source() -> None:
    assert str(route("https://h", HTTPS_PROXY="p:1")) == "https://h through http://p:1 (HTTPS_PROXY)"
    assert str(route("https://h")) == "https://h"


@pytest.mark.parametrize(
    ("userinfo", "sent"),
    [("me:s3cr3t", "me:s3cr3t"), ("us%20er:pa%2Fss", "us er:pa/ss"), ("me", "me:"), ("me:", "me:"), ("ü:ä", "ü:ä")],
)
def test_user_and_password_are_sent_to_the_proxy(userinfo: str, sent: str) -> None:
    found = route("https://h", f"http://{userinfo}@p").proxy
    assert found is not None
    assert found.headers == (("proxy-authorization", "Basic " + base64.b64encode(sent.encode()).decode()),)


def test_user_and_password_are_not_shown() -> None:
    found = route("https://h", f"http://me:{SECRET}@p:3128")
    basic = base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert found.proxy is not None
    assert found.proxy.headers == (("proxy-authorization", f"Basic {basic}"),)
    proxy = found.proxy
    for text in (str(found), repr(found), repr(proxy), str(proxy), repr(proxy.headers), proxy.unauthorized):
        assert SECRET not in text
        assert basic not in text


def test_the_message_of_a_407_depends_on_the_credentials() -> None:
    origin = Origin("http", "p", 3128)
    assert Proxy(origin).unauthorized == "the proxy http://p:3128 requires a user and a password (status 407)"
    assert "did not accept" in Proxy(origin, "me:x").unauthorized


def test_a_proxy_error_pickles() -> None:
    again = pickle.loads(pickle.dumps(ProxyError("no", FailureKind.CONNECT)))
    assert (str(again), again.kind) == ("no", FailureKind.CONNECT)


# --- no connection


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (OSError("refused"), FailureKind.CONNECT, "can't connect to https://h: refused"),
        (OSError("unknown CA"), FailureKind.TLS, "no TLS with https://h: unknown CA"),
        (TimeoutError("timed out"), FailureKind.TIMEOUT, "connecting to https://h took too long"),
        (ProxyError("it refuses"), FailureKind.PROXY, "can't connect to https://h: it refuses"),
        (ProxyError("no TLS", FailureKind.TLS), FailureKind.TLS, "can't connect to https://h: no TLS"),
    ],
)
def test_why_there_is_no_connection(error: OSError, kind: FailureKind, reason: str) -> None:
    tls = kind is FailureKind.TLS and not isinstance(error, ProxyError)
    where = parse_base_url("https://h").origin
    failed = connect_failure(where, error, FailureKind.TLS) if tls else connect_failure(where, error)
    assert (failed.kind, failed.reason, failed.sent, failed.cause) == (kind, reason, False, error)


def test_no_connection_of_the_pool() -> None:
    failed = ConnectionFailed.no_connection(0.5)
    assert (failed.kind, failed.sent) == (FailureKind.TIMEOUT, False)
    assert failed.reason == str(failed.cause) == "no connection became free within 0.5 seconds"


class Refused(OSError):
    """As `ssl.SSLError` tells why."""

    def __init__(self, reason: str) -> None:
        super().__init__("a text of OpenSSL")
        self.reason = reason


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("WRONG_VERSION_NUMBER", "; if the server speaks plain HTTP, its URL must start with http://"),
        (
            "TLSV13_ALERT_CERTIFICATE_REQUIRED",
            "; if the server asks for a client certificate, give it by ssl_context=tls_context(client_cert=...)",
        ),
        ("TLSV1_ALERT_PROTOCOL_VERSION", ""),
    ],
)
def test_what_can_be_done_about_a_failure_of_tls(reason: str, hint: str) -> None:
    failed = connect_failure("https://h", Refused(reason), FailureKind.TLS)
    assert failed.reason == f"no TLS with https://h: a text of OpenSSL{hint}"


def test_a_handshake_that_the_peer_ends_is_described_alike_for_both_clients() -> None:
    failed = connect_failure("https://h", Refused("UNEXPECTED_EOF_WHILE_READING"))
    assert failed.reason == "can't connect to https://h: the peer closed the connection during the TLS handshake"
    assert failed.kind is FailureKind.CONNECT


class Unverified(OSError):
    """As `ssl.SSLCertVerificationError` tells why."""

    def __init__(self, verify_code: int) -> None:
        super().__init__("certificate verify failed")
        self.verify_code = verify_code


@pytest.mark.parametrize(("code", "has_hint"), [(10, False), (18, True), (19, True), (20, True), (62, False)])
def test_an_unknown_authority_is_explained(code: int, has_hint: bool) -> None:
    failed = connect_failure("https://h", Unverified(code), FailureKind.TLS)
    assert failed.reason.startswith("no TLS with https://h: certificate verify failed")
    assert ("tls_context(ca_file=...)" in failed.reason) is has_hint
