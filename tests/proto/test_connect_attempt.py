"""A first use that several callers wait for: whose failure is whose."""

from __future__ import annotations

import pytest

from bento_proto import CallTimeout, ServiceUnavailable, Timeout
from bento_proto.http import Headers
from bento_proto.policy import RetryPolicy
from bento_proto.session import ConnectAttempt, Options

OPTIONS = Options(Timeout(total=0.5), (), RetryPolicy())


def test_a_caller_goes_on_after_an_attempt_that_succeeded() -> None:
    ConnectAttempt(OPTIONS, None).end(OPTIONS)


def test_an_attempt_that_failed_fails_for_callers_with_the_same_options_only() -> None:
    attempt = ConnectAttempt(OPTIONS, None)
    attempt.error = ServiceUnavailable("not ready", headers=Headers(()))
    attempt.error.__cause__ = OSError("refused")
    attempt.end(OPTIONS.replace(timeout=Timeout()))
    with pytest.raises(ServiceUnavailable, match="not ready") as caught:
        attempt.end(OPTIONS)
    assert caught.value is not attempt.error, "each caller has an error of its own, with a traceback of its own"
    assert caught.value.__cause__ is attempt.error.__cause__


def test_a_caller_that_waited_too_long() -> None:
    error = ConnectAttempt.timed_out(OPTIONS)
    assert isinstance(error, CallTimeout)
    assert (str(error), error.sent) == ("the Service was not found within 0.5 seconds", False)
