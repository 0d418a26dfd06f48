"""Sending a request until a response is accepted: redirects, retries, tokens and the deadline, as scripts."""

from __future__ import annotations

import pytest

from bento_proto import (
    CallTimeout,
    ConnectError,
    ConnectionFailed,
    ConnectionLost,
    Exchange,
    FailureKind,
    Flow,
    Head,
    Limits,
    RemoteProtocolError,
    Request,
    RetryPolicy,
    ServiceUnavailable,
    Timeout,
    Unauthorized,
)
from bento_proto.http import AuthRequest, BaseURL, FilePart, Origin
from bento_proto.http._cookies import Cookies
from bento_proto.http._credentials import Credential
from bento_proto.policy._attempts import CallContext, send_request
from bento_proto.policy._retry import RetryBudget
from bento_proto.response._readers import event_reader, whole_reader

from .play import Answer, Forever, Script, lost, moved, play, reply

HERE = Origin("http", "service", 3000)
POST = Request("POST", HERE, "/f", (("authorization", "Bearer old"),), (b"{}",))
ONCE = Request("POST", HERE, "/f", (), (FilePart("pipe", None, replayable=False),))
OK = reply(200, b"7")


def never(request: Request) -> Request | None:
    return None


def context(policy: RetryPolicy = RetryPolicy(), total: float | None = None, budget: float = 20) -> CallContext:  # noqa: B008
    return CallContext(
        Timeout(1, 2, 3, 4, total),
        policy.replace(budget=budget),
        Limits(redirects=3),
        Cookies(),
        RetryBudget(),
        lambda: 0.0,
        never,
    )


def flow(request: Request = POST, given: CallContext | None = None, now: float = 0.0) -> Flow[Exchange[bytes]]:
    return send_request(request, whole_reader(bytes, 100), given or context(), now)


def test_a_response_at_once() -> None:
    played = play(flow(), OK)
    assert played.result.result == b"7"
    assert played.lines == ["POST http://service:3000/f"]
    assert played.asked[0].timeout == Timeout(1, 2, 3, 4, None)
    assert not played.asked[0].fresh


def test_failed_connections_are_retried_with_growing_pauses() -> None:
    played = play(flow(), lost(FailureKind.CONNECT), lost(FailureKind.CONNECT), OK)
    assert played.result.result == b"7"
    assert played.delays == [0.0, 0.25, 0.5]


def test_sent_is_true_if_any_attempt_may_have_been_read() -> None:
    repeat = context(RetryPolicy(idempotent=True))
    never_sent = play(
        flow(), lost(FailureKind.CONNECT, "one"), lost(FailureKind.CONNECT, "two"), lost(FailureKind.CONNECT, "three")
    ).error
    assert isinstance(never_sent, ConnectError)
    assert not never_sent.sent
    for first in (lost(FailureKind.IDLE_CLOSED), lost(FailureKind.DISCONNECTED), lost(FailureKind.TIMEOUT), reply(503)):
        last = play(flow(given=repeat), first, Forever(lost(FailureKind.CONNECT, "down"))).error
        assert isinstance(last, ConnectError)
        assert last.sent
    queued = Answer((ConnectionFailed(FailureKind.TIMEOUT, "no place", sent=False),))
    last = play(flow(given=repeat), queued, Forever(lost(FailureKind.CONNECT, "down"))).error
    assert isinstance(last, ConnectError)
    assert not last.sent


def test_the_error_lists_a_refused_token() -> None:
    given = context().replace(renew=lambda request: Request("POST", HERE, "/f", (), (b"{}",)))
    error = play(flow(given=given), reply(401, b"expired"), reply(400, b"no")).error
    assert error is not None
    assert error.attempts == ("Unauthorized: expired", "InvalidArgument: no")


def test_the_error_lists_each_attempt() -> None:
    played = play(
        flow(), lost(FailureKind.CONNECT, "one"), lost(FailureKind.CONNECT, "two"), lost(FailureKind.CONNECT, "three")
    )
    assert isinstance(played.error, ConnectError)
    assert played.error.attempts == ("ConnectError: one", "ConnectError: two", "ConnectError: three")
    assert str(played.error) == "three (after 3 attempts)"


def test_requests_that_may_have_been_processed_are_not_repeated() -> None:
    assert isinstance(play(flow(), lost(FailureKind.DISCONNECTED)).error, ConnectionLost)
    assert isinstance(play(flow(), lost(FailureKind.TIMEOUT)).error, CallTimeout)
    assert isinstance(play(flow(), reply(503)).error, ServiceUnavailable)


def test_requests_declared_idempotent_are_repeated() -> None:
    played = play(flow(POST, context(RetryPolicy(idempotent=True))), lost(FailureKind.DISCONNECTED), reply(502), OK)
    assert played.result.result == b"7"


IDLE_CLOSED = lost(FailureKind.IDLE_CLOSED)
UNREAD = lost(FailureKind.IDLE_CLOSED, "unread", sent=False)
GET = Request("GET", HERE, "/schema.json")
HINT = "declared by RetryPolicy(idempotent=True), or by an Idempotency-Key header"


def test_a_post_that_may_have_been_read_is_sent_once() -> None:
    for policy in (RetryPolicy(), RetryPolicy(attempts=1), RetryPolicy(attempts=9)):
        for answer in (IDLE_CLOSED, lost()):
            error = play(flow(POST, context(policy)), answer).error
            assert isinstance(error, ConnectionLost)
            assert error.sent
            assert HINT in str(error)
            assert error.attempts == ("ConnectionLost: lost",)


def test_a_post_that_provably_was_not_read_goes_out_on_a_new_connection_at_once() -> None:
    for policy in (RetryPolicy(), RetryPolicy(attempts=1)):  # that is no retry of the caller's
        played = play(flow(POST, context(policy, budget=0)), UNREAD, OK)
        assert played.result.attempts == ("ConnectionLost: unread",)
        assert [(asked.delay, asked.fresh) for asked in played.asked] == [(0.0, False), (0.0, True)]
    error = play(flow(POST, context(RetryPolicy(attempts=1))), UNREAD, UNREAD).error
    assert isinstance(error, ConnectionLost)
    assert not error.sent
    assert str(error) == "unread (after 2 attempts)"
    assert HINT in str(play(flow(), UNREAD, lost()).error)
    assert isinstance(play(flow(ONCE), UNREAD).error, ConnectionLost)


def test_a_body_that_can_be_read_once_can_not_be_declared_repeatable() -> None:
    assert str(play(flow(ONCE), lost()).error) == "lost"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_safe_request_is_repeated_at_once_when_the_connection_was_closed(method: str) -> None:
    request = Request(method, HERE, "/readyz")
    played = play(flow(request, context(RetryPolicy(attempts=1))), IDLE_CLOSED, OK)
    assert [(asked.delay, asked.fresh) for asked in played.asked] == [(0.0, False), (0.0, True)]
    played = play(flow(request, context(RetryPolicy(attempts=1))), IDLE_CLOSED, lost())
    assert str(played.error) == "lost (after 2 attempts)"
    played = play(flow(request, context(RetryPolicy(attempts=3))), IDLE_CLOSED, lost(), lost())
    assert len(played.asked) == 3, "each counts as an attempt"


def test_a_declared_request_is_repeated_within_its_attempts() -> None:
    keyed = Request("POST", HERE, "/f", (("idempotency-key", "1"),), (b"{}",))
    for request, idempotent in ((POST, True), (keyed, False)):
        played = play(flow(request, context(RetryPolicy(attempts=2, idempotent=idempotent))), IDLE_CLOSED, OK)
        assert [(asked.delay, asked.fresh) for asked in played.asked] == [(0.0, False), (0.0, True)]
        error = play(flow(request, context(RetryPolicy(attempts=1, idempotent=idempotent))), IDLE_CLOSED).error
        assert str(error) == "lost"
        error = play(flow(request, context(RetryPolicy(attempts=2, idempotent=idempotent))), IDLE_CLOSED, lost()).error
        assert str(error) == "lost (after 2 attempts)"


def test_a_renewed_token_is_no_retry() -> None:
    given = context(RetryPolicy(attempts=1)).replace(renew=renew)
    assert play(flow(POST, given), reply(401), OK).result.result == b"7"


def test_each_attempt_and_each_hop_may_meet_a_closed_connection() -> None:
    played = play(flow(), UNREAD, lost(FailureKind.CONNECT), UNREAD, OK)
    assert [(asked.delay, asked.fresh) for asked in played.asked] == [(0, False), (0, True), (0.25, False), (0, True)]
    played = play(flow(), moved(307, "http://other/g"), UNREAD, moved(307, "/h"), OK)
    assert [asked.request.target for asked in played.asked] == ["/f", "/g", "/g", "/h"]
    assert [asked.fresh for asked in played.asked] == [False, False, True, True]


def test_a_redirect_does_not_wait_as_the_retry_before_it_did() -> None:
    played = play(flow(), lost(FailureKind.CONNECT), moved(307, "/g"), OK)
    assert played.delays == [0.0, 0.25, 0.0]


def test_bentomls_429_is_backed_off_and_tried_again() -> None:
    played = play(flow(), reply(429, b"Too many requests"), reply(429), OK)
    assert played.delays == [0.0, 0.25, 0.5]
    assert len(play(flow(POST, context(RetryPolicy(attempts=1))), reply(429)).asked) == 1


def test_an_error_says_whether_the_call_may_be_sent_again() -> None:
    refused = play(flow(given=context(RetryPolicy(attempts=1))), reply(429, headers={"retry-after": "7"})).error
    assert refused is not None
    assert (refused.retryable, refused.retry_after) == (True, 7.0)
    for answer, request in ((reply(500), POST), (lost(FailureKind.DISCONNECTED), POST), (reply(429), ONCE)):
        error = play(flow(request), answer).error
        assert error is not None
        assert (error.retryable, error.retry_after) == (False, None)


def test_retry_after_is_obeyed() -> None:
    played = play(flow(), reply(503, headers={"retry-after": "5"}), reply(429, headers={"retry-after": "1"}), OK)
    assert played.delays == [0.0, 5.0, 1.0]


def test_an_empty_budget_allows_no_retry() -> None:
    given = context(budget=1)
    assert play(flow(POST, given), lost(FailureKind.CONNECT), OK).error is None
    ended = play(flow(POST, given), lost(FailureKind.CONNECT, "down")).error
    assert isinstance(ended, ConnectError)
    assert str(ended).startswith("down; not sent again, as the client has used up its budget of 1 retries")
    assert ended.retryable


def test_success_fills_the_budget_again() -> None:
    given = context(budget=1)
    assert play(flow(POST, given), lost(FailureKind.CONNECT), OK).error is None
    for _ in range(10):
        play(flow(POST, given), OK)
    assert play(flow(POST, given), lost(FailureKind.CONNECT), OK).error is None


def test_a_stream_that_has_begun_is_not_retried() -> None:
    broken = Answer((Head(200), ConnectionFailed(FailureKind.DISCONNECTED, "cut")))
    played = play(send_request(POST, event_reader(Limits()), context(RetryPolicy(idempotent=True)), 0.0), broken)
    assert isinstance(played.result.error, ConnectionLost)


# --- redirects


def test_redirects_are_followed() -> None:
    played = play(flow(), moved(307, "/g"), moved(308, "http://other/h"), OK)
    assert played.lines == ["POST http://service:3000/f", "POST http://service:3000/g", "POST http://other/h"]
    assert "authorization" in played.asked[1].headers
    assert "authorization" not in played.asked[2].headers


def test_a_retry_begins_at_the_first_url() -> None:
    played = play(flow(), moved(307, "/g"), lost(FailureKind.CONNECT), OK)
    assert [asked.request.target for asked in played.asked] == ["/f", "/g", "/f"]


@pytest.mark.parametrize("location", ["/f", "/g"])
def test_the_number_of_redirects_is_limited(location: str) -> None:
    played = play(flow(), Forever(moved(307, location)))
    assert isinstance(played.error, RemoteProtocolError)
    assert "more than 3 times" in str(played.error)
    assert len(played.asked) == 4


def test_a_redirect_that_can_not_be_followed() -> None:
    assert isinstance(play(flow(), moved(307, "ftp://x/")).error, RemoteProtocolError)
    assert isinstance(play(flow(ONCE), moved(307, "/g")).error, RemoteProtocolError)


# --- tokens


def renew(request: Request) -> Request | None:
    return Request(request.method, request.origin, request.target, (("authorization", "Bearer new"),), request.body)


def test_a_401_renews_the_token_once() -> None:
    given = context().replace(renew=renew)
    played = play(flow(POST, given), reply(401), OK)
    assert [asked.headers["authorization"] for asked in played.asked] == ["Bearer old", "Bearer new"]
    assert isinstance(play(flow(POST, given), reply(401), reply(401)).error, Unauthorized)
    assert isinstance(play(flow(POST), reply(401)).error, Unauthorized)


def test_a_401_of_another_origin_renews_nothing() -> None:
    assert len(play(flow(POST, context().replace(renew=renew)), moved(307, "http://other/"), reply(401)).asked) == 2


def test_a_401_for_a_body_that_can_be_read_once() -> None:
    assert len(play(flow(ONCE, context().replace(renew=renew)), reply(401)).asked) == 1


def deferred(*tokens: str) -> CallContext:
    left = list(tokens)

    async def give() -> str:
        return left.pop(0)

    return context().replace(credential=Credential(BaseURL(HERE, ""), give, {}, asynchronous=True))


PLAIN = Request("POST", HERE, "/f", (), (b"{}",))


def authorizations(*script: Script, tokens: tuple[str, ...] = ("one", "two")) -> list[str | None]:
    return [asked.headers.get("authorization") for asked in play(flow(PLAIN, deferred(*tokens)), *script).asked]


def test_what_is_authorized_when_it_is_sent() -> None:
    assert authorizations(OK) == ["Bearer one"]
    assert authorizations(lost(FailureKind.CONNECT), OK) == ["Bearer one"] * 2
    assert authorizations(reply(401), OK) == ["Bearer one", "Bearer two"]
    assert authorizations(reply(401), reply(401)) == ["Bearer one", "Bearer two"]
    assert authorizations(moved(307, "/there"), OK) == ["Bearer one"] * 2


def test_what_went_to_another_origin_is_not_authorized_when_it_comes_back() -> None:
    there, back = moved(307, "http://other/"), moved(307, f"{HERE}/g")
    assert authorizations(there, OK) == ["Bearer one", None]
    assert authorizations(there, back, OK) == ["Bearer one", None, None]
    assert authorizations(there, back, moved(307, "/h"), OK) == ["Bearer one", None, None, None]
    busy = reply(429)
    assert authorizations(there, back, busy, OK) == ["Bearer one", None, None, "Bearer one"]


def test_a_function_of_the_request_is_called_for_each_that_is_sent() -> None:
    seen: list[tuple[str, bool]] = []

    def sign(request: AuthRequest) -> dict[str, str]:
        seen.append((request.url, request.was_refused))
        return {"x-n": str(len(seen))}

    given = context().replace(credential=Credential(BaseURL(HERE, ""), None, {}, sign))
    played = play(flow(PLAIN, given), reply(429), reply(401), moved(307, "/there"), moved(307, "http://other/"), OK)
    assert [asked.headers.get("x-n") for asked in played.asked] == ["1", "2", "3", "4", None]
    assert seen == [(f"{HERE}/f", False), (f"{HERE}/f", False), (f"{HERE}/f", True), (f"{HERE}/there", False)]
    assert isinstance(play(flow(PLAIN, given), reply(401), reply(401)).error, Unauthorized)
    assert len(play(flow(ONCE, given), reply(401)).asked) == 1


# --- the deadline


def test_the_rest_of_the_total_bounds_each_timeout() -> None:
    played = play(flow(POST, context(total=2.5), now=100.0), lost(FailureKind.CONNECT).after(1.0), OK, now=100.0)
    assert [asked.timeout for asked in played.asked] == [
        Timeout(1, 2, 2.5, 2.5, 2.5),
        Timeout(1, 1.25, 1.25, 1.25, 1.25),
    ]


def test_no_retry_beyond_the_total() -> None:
    played = play(flow(POST, context(total=1.0)), reply(503, headers={"retry-after": "5"}))
    assert isinstance(played.error, ServiceUnavailable)


def test_a_redirect_after_the_total_expired() -> None:
    played = play(flow(POST, context(total=1.0)), moved(307, "/g").after(2.0))
    assert isinstance(played.error, CallTimeout)
    assert "within 1 seconds" in str(played.error)


def test_cookies_of_every_response_are_kept() -> None:
    given = context()
    play(
        flow(POST, given),
        moved(307, "/g", {"set-cookie": "a=1; Path=/"}),
        reply(200, b"7", {"set-cookie": "b=2; Path=/"}),
    )
    assert given.cookies.header(HERE, "/", 0.0) == "a=1; b=2"


def test_a_cookie_is_sent_with_the_next_request() -> None:
    request = Request("POST", HERE, "/f", (("cookie", "mine=0"),), (b"{}",))
    played = play(
        flow(request),
        moved(307, "/f", {"set-cookie": "a=1; Path=/"}),  # some gateways see by that whether cookies are taken
        reply(503, b"", {"retry-after": "0", "set-cookie": "a=2; Path=/"}),
        moved(307, "http://other/f"),
        moved(307, "http://service:3000/f"),
        OK,
    )
    sent = [asked.headers.get("cookie") for asked in played.asked]
    assert sent == ["mine=0", "mine=0; a=1", "mine=0; a=2", None, "a=2"]
