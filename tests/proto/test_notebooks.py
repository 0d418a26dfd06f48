"""What a notebook shows: clients and endpoints as HTML, and errors without the frames of the clients."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from types import SimpleNamespace, TracebackType
from typing import TypeVar

import pytest

from bento_proto import JSON, FailureKind, NotFound
from bento_proto._tracebacks import folded
from bento_proto.schema import parse_service

from .play import lost, reply
from .test_base_client import Client, TypedClient
from .test_learning import SCHEMA, Driver, Method, session

ErrorT = TypeVar("ErrorT", bound=Exception)

EVIL: JSON = {
    "name": "<script>",
    "description": "<img src=x>",
    "routes": [{"name": "<f>", "route": "/f", "doc": "<b>\x1b[2J"}],
}


def html(shown: object) -> str | None:
    """What IPython's display asks for."""
    found: str | None = getattr(shown, "_repr_html_")()  # noqa: B009
    return found


def printed(error: BaseException) -> list[str]:
    """What IPython's tracebacks ask for."""
    found: list[str] = getattr(error, "_render_traceback_")()  # noqa: B009
    return found


def test_a_client_is_a_table() -> None:
    found = html(TypedClient())
    assert found is not None
    assert "<table>" in found
    assert "&lt;TypedClient http://localhost:3000&gt;" in found
    assert html(Client()) is None


def test_text_of_a_server_is_escaped() -> None:
    found = html(Client(schema=parse_service(EVIL)))
    assert found is not None
    for tag in ("<script", "<img", "<f>", "<b>\\x1b", "\x1b"):
        assert tag not in found


def test_an_endpoint_is_its_help() -> None:
    found = html(Method(Driver(session(SCHEMA), reply(404))))
    assert found is not None
    assert found.startswith("<p><code><b>f</b>() -&gt; Any</code></p><pre>Call the endpoint")
    assert html(Method(Driver(session(), lost(FailureKind.CONNECT)))) is None


# --- errors


def raised(error: ErrorT, package: str = "bento_sync._driver") -> ErrorT:
    """The error, raised through frames of a client and of what it calls."""
    code = "def outer(f): inner(f)\ndef inner(f): f()"
    ours: dict[str, object] = {"__name__": package}
    below: dict[str, object] = {"__name__": "urllib3.connection"}
    exec(code, ours)
    exec("def call(error): raise error", below)
    try:
        ours["outer"](lambda: below["call"](error))  # type: ignore[operator]
    except type(error) as exc:
        return exc
    raise AssertionError


def names(at: TracebackType | None) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(at)]


def test_frames_of_the_clients_are_folded() -> None:
    error = raised(NotFound("no"))
    assert names(error.__traceback__) == ["raised", "outer", "inner", "<lambda>", "call"]
    assert names(folded(error.__traceback__)) == ["raised", "<lambda>", "call"], "after a frame of the caller, all stay"
    assert folded(None) is None
    inner = error.__traceback__.tb_next if error.__traceback__ else None
    assert inner is not None
    only = TracebackType(None, inner.tb_frame, inner.tb_lasti, inner.tb_lineno)
    assert folded(only) is None


HINT = "(without the frames of bento_client, which %xmode Verbose shows)"


class Tracebacks:
    def __init__(self, mode: str) -> None:
        self.mode = mode

    def structured_traceback(
        self, kind: type[BaseException], error: BaseException, at: TracebackType | None
    ) -> list[str]:
        assert type(error) is kind
        chain = [error, error.__cause__] if error.__cause__ else [error]
        return [",".join(names(each.__traceback__)) for each in chain]


@pytest.mark.parametrize(("mode", "lines"), [("Context", 2), ("Verbose", 2)])
def test_what_ipython_prints(monkeypatch: pytest.MonkeyPatch, mode: str, lines: int) -> None:
    shell = SimpleNamespace(InteractiveTB=Tracebacks(mode))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    cause = raised(NotFound("cause"))
    error = raised(NotFound("no"))
    error.__cause__ = cause
    before = names(error.__traceback__)
    found = printed(error)
    assert ("outer" in found[0]) is (mode == "Verbose")
    assert ("outer" in found[1]) is (mode == "Verbose")
    assert found[lines:] == (
        [] if mode == "Verbose" else ["(without the frames of bento_client, which %xmode Verbose shows)"]
    )
    assert names(error.__traceback__) == before
    error.__cause__ = None
    error.__context__ = error.__cause__
    assert len(printed(error)) == 2 - (mode == "Verbose")


@pytest.mark.parametrize("module", [None, SimpleNamespace(), SimpleNamespace(get_ipython=lambda: None)])
def test_without_a_shell_it_is_pythons_own(monkeypatch: pytest.MonkeyPatch, module: object) -> None:
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert "outer" in "".join(printed(raised(NotFound("no"))))


class Shell:
    """What errors and completion need of IPython's shell."""

    def __init__(self, custom: tuple[type[BaseException], ...] = (), **completer: object) -> None:
        self.InteractiveTB = Tracebacks("Context")
        self.Completer = SimpleNamespace(**completer)
        self.custom_exceptions = custom
        self.shown: list[list[str] | None] = []

    def set_custom_exc(self, kinds: tuple[type[BaseException], ...], handler: Callable[..., None], /) -> None:
        self.custom_exceptions, self.handler = kinds, handler

    def showtraceback(
        self, error: tuple[type[BaseException], BaseException, TracebackType | None], /, *, tb_offset: int | None
    ) -> None:
        own = vars(error[1]).get("_render_traceback_")
        self.shown.append(own() if own else None)

    def raises(self, error: BaseException) -> list[str] | None:
        """What it shows of an error that a cell raised."""
        self.handler(self, type(error), error, error.__traceback__)
        return self.shown[-1]


@pytest.fixture
def in_shell(monkeypatch: pytest.MonkeyPatch) -> Callable[[Shell], Shell]:
    def enter(shell: Shell) -> Shell:
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        Client()
        return shell

    return enter


def test_errors_of_arguments_are_folded_too(in_shell: Callable[[Shell], Shell]) -> None:
    shell = in_shell(Shell())
    assert shell.custom_exceptions == (TypeError, ValueError)
    error = raised(TypeError("no such argument"))
    assert shell.raises(error) == ["raised,<lambda>,call", HINT]
    assert vars(error) == {}
    assert shell.raises(raised(ValueError("of the caller"), "somewhere.else")) is None


def test_a_handler_that_the_user_has_set_stays(in_shell: Callable[[Shell], Shell]) -> None:
    assert in_shell(Shell((KeyError,))).custom_exceptions == (KeyError,)


def test_ipython_may_look_at_endpoints_to_complete(in_shell: Callable[[Shell], Shell]) -> None:
    shell = in_shell(Shell(policy_overrides={"allow_auto_import": True}))
    assert shell.Completer.policy_overrides == {
        "allow_auto_import": True, "allowed_getattr_external": {"bento_async", "bento_sync"},
    }  # fmt: skip
    in_shell(shell)
    assert shell.Completer.policy_overrides["allowed_getattr_external"] == {"bento_async", "bento_sync"}
