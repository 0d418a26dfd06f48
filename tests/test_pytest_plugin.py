"""The pytest plugin, in pytest processes of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bento_proto.testing import ServiceDouble
from bento_sync._asgi import ASGIServer

pytest_plugins = ("pytester",)

DOUBLE = """
    import pytest
    from bento_sync import SyncHTTPClient
    from bento_proto.testing import Pause, Stall

    @pytest.fixture
    def client(bento_double):
        @bento_double.endpoint
        def shout(text: str) -> str:
            return text.upper()

        with SyncHTTPClient(app=bento_double) as client:
            yield client

    def test_it_is_called(bento_double, client):
        assert client.shout("a") == "A"
        bento_double.assert_called("shout", text="a")

    def test_it_is_fresh_for_each_test_and_nothing_is_waited_for(bento_double, client):
        bento_double.assert_not_called("shout")
        bento_double.script("shout", Stall(3600))
        with pytest.raises(TimeoutError):
            client.shout("a")
"""

RECORDING = """
    import asyncio
    import pytest
    from bento_async import AsyncHTTPClient
    from bento_sync import SyncHTTPClient

    @pytest.mark.parametrize("text", ["a", "b c/d"])
    def test_one(bento_recording, text):
        with SyncHTTPClient(**bento_recording.options, token="very-secret") as client:
            assert client.shout(text) == text.upper()

    class TestMany:
        def test_one(self, bento_recording):
            async def main():
                async with AsyncHTTPClient(**bento_recording.options) as client:
                    return [item async for item in client.numbers()]

            assert asyncio.run(main()) == [0, 1, 2]
"""


@pytest.fixture
def service() -> Iterator[tuple[str, ServiceDouble]]:
    """A Service to record, over HTTP."""
    double = ServiceDouble()

    @double.endpoint
    def shout(text: str) -> str:
        return text.upper()

    @double.endpoint
    def numbers() -> Iterator[int]:
        yield from range(3)

    server = ASGIServer(double.asgi(asyncio.sleep))
    server.start()
    yield str(server.origin), double
    server.stop()


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "bento_client.pytest_plugin", "-p", "no:cacheprovider", *args)


def test_a_double(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(DOUBLE)
    run(pytester).assert_outcomes(passed=2)


def test_a_recording_is_made_once_and_then_replayed(
    pytester: pytest.Pytester, service: tuple[str, ServiceDouble]
) -> None:
    url, double = service
    pytester.makepyfile(test_shop=RECORDING)
    run(pytester, "--bento-record", url).assert_outcomes(passed=3)
    assert len(double.calls) == 3
    double.requests.clear()
    folder = pytester.path / "recordings" / "test_shop"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["TestMany_test_one.json", "test_one_a_.json", "test_one_b_c_d_.json"]
    assert not any("very-secret" in path.read_text(encoding="utf-8") for path in folder.iterdir())
    run(pytester).assert_outcomes(passed=3)
    assert double.requests == []


def test_a_test_without_a_recording_fails(pytester: pytest.Pytester, service: tuple[str, ServiceDouble]) -> None:
    pytester.makepyfile(test_shop=RECORDING)
    result = run(pytester)
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*no recording of this test; make one with --bento-record URL: *.json"])
    run(pytester, "--bento-record", service[0]).assert_outcomes(passed=3)
    pytester.makepyfile(test_shop=RECORDING.replace("shout(text)", "shout(text + text)"))
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(['*Mismatch: not in the recording: POST /shout with {"text": "aa"}*'])


def test_tracebacks_end_at_the_call(pytester: pytest.Pytester) -> None:
    """What fails is the call: the frames inside the client are left out, unless pytest shows all."""
    pytester.makepyfile(
        """
        from bento_sync import SyncHTTPClient

        def test_unknown(bento_double):
            @bento_double.endpoint
            def shout(text: str) -> str:
                raise ValueError("inside")

            with SyncHTTPClient(app=bento_double, retries=0) as client:
                client.shout("a")  # the call
        """
    )
    shown = run(pytester).stdout.str()
    assert "client.shout" in shown
    assert "POST " in shown  # the note of the error
    assert "bento_sync" not in shown.partition("the call")[2]
    assert "bento_sync" in run(pytester, "--full-trace").stdout.str().partition("the call")[2]


def test_the_option_is_in_the_help(pytester: pytest.Pytester) -> None:
    run(pytester, "--help").stdout.fnmatch_lines(["*--bento-record=URL*"])


def test_the_plugin_imports_no_client_before_a_fixture_is_used() -> None:
    code = (
        "import sys, bento_client.pytest_plugin; print([name for name in sys.modules if name.partition('.')[0] in %r])"
    )
    packages = {"bento_proto", "bento_sync", "bento_async", "bento_files"}
    found = subprocess.run([sys.executable, "-c", code % packages], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"
