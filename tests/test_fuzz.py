"""The harnesses of ``fuzz/`` without a fuzzer: the corpus once more, and a bounded number of variations of it."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bento_proto import Data, Exchange, Head
from fuzz import template
from fuzz.large import seeds
from fuzz.support import EDGE, splits

FUZZ = Path(__file__).resolve().parent.parent / "fuzz"
HARNESSES = sorted(path.stem for path in (FUZZ / "harnesses").glob("*.py"))
SEEDS = sorted(path for path in (FUZZ / "corpus").rglob("*") if path.is_file())

# What a server says has these in it much more often than chance would put them there.
WORDS = (
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b'"', b"\\", b"{", b"}", b"[", b"]", b",",
    b":", b";", b"=", b"%", b"/", b"..", b"0", b"9", b"-1", b"1e5", b"NaN", b"null", b"data: ", b"content-length: ",
    b"chunked", b"gzip", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 307 T\r\nlocation: ", b"//other/", b"\n~~~\n",
    b"; charset=", b"filename*=utf-8''",
)  # fmt: skip


def harness(name: str) -> Callable[[bytes], None]:
    test_one_input: Callable[[bytes], None] = importlib.import_module(f"fuzz.harnesses.{name}").test_one_input
    return test_one_input


@st.composite
def variations(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """One of the corpus, or nothing, with a few pieces of it replaced."""
    data = draw(st.sampled_from([b"", *seeds]))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, min(8, len(data) - start)))
        data = data[:start] + draw(st.one_of(st.sampled_from(WORDS), st.binary(max_size=6))) + data[end:]
    return data


def test_every_harness_has_a_corpus_and_every_corpus_a_harness() -> None:
    assert HARNESSES
    assert sorted({path.parent.name for path in SEEDS}) == HARNESSES


def test_harnesses_import_no_fuzzer() -> None:
    for name in HARNESSES:
        harness(name)
    assert "atheris" not in sys.modules


@pytest.mark.parametrize("name", HARNESSES)
def test_every_harness_says_its_invariant(name: str) -> None:
    assert len(harness(name).__doc__ or "") > 80


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_corpus_holds(seed: Path) -> None:
    harness(seed.parent.name)(seed.read_bytes())


@pytest.mark.parametrize("name", HARNESSES)
def test_variations_hold(name: str) -> None:
    test_one_input = harness(name)

    @settings(max_examples=150, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(variations([path.read_bytes() for path in SEEDS if path.parent.name == name]))
    def run(data: bytes) -> None:
        test_one_input(data)

    run()


@pytest.mark.parametrize("name", HARNESSES)
def test_large_inputs_hold(name: str) -> None:
    test_one_input = harness(name)
    inputs = list(seeds(name, 10_000))
    assert inputs
    assert any(len(data) >= 9_000 for data in inputs)
    for data in inputs:
        test_one_input(data)


def test_large_inputs_are_cut_singly_where_they_begin_and_end() -> None:
    data = bytes(range(256)) * 400
    *_, singly = splits(data, 7)
    assert b"".join(singly) == data
    assert (len(singly), max(map(len, singly))) == (2 * EDGE + 1, len(data) - 2 * EDGE)


# --- the template for harnesses of others

RESPONSES = {path: data[data.index(b"HTTP/1") :] for path in SEEDS if b"HTTP/1" in (data := path.read_bytes())[:-12]}


def test_the_template_imports_the_core_a_fuzzer_and_the_standard_library() -> None:
    text = Path(template.__file__).read_text(encoding="utf-8")
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = [node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name for node in nodes]
    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names == {"atheris", "bento_proto"}
    assert not [name for name in names if "._" in name], "only what is public"


@pytest.mark.parametrize("path", RESPONSES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_template_holds(path: Path) -> None:
    for endpoint in range(len(template.ENDPOINTS)):
        for number in range(6):
            settings = bytes((endpoint, number % 2, 6, number // 2))
            template.test_one_input(settings + RESPONSES[path])


def test_the_template_holds_for_variations() -> None:
    @settings(max_examples=150, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(variations(list(template.SEEDS)))
    def run(data: bytes) -> None:
        template.test_one_input(data)

    run()


def test_the_template_holds_for_large_inputs() -> None:
    for response in seeds("plain", 300_000):
        for number in range(2 * len(template.ENDPOINTS)):
            template.test_one_input(bytes((number // 2, number % 2, 255, 0)) + response)


class Splits(Exchange[object]):
    """Takes the pieces of the network for items."""

    def receive(self, event: object) -> list[object]:
        super().receive(event)  # type: ignore[arg-type]
        return [event.data + b"."] if isinstance(event, Data) else []


class Raises(Exchange[object]):
    def receive(self, event: object) -> object:  # type: ignore[override]
        if isinstance(event, Head) and event.status == 200 and self.head is None:
            raise ValueError("a status that nobody expects")
        return super().receive(event)  # type: ignore[arg-type]


class GoesOn(Exchange[object]):
    """Takes what comes behind the end."""

    def receive(self, event: object) -> object:  # type: ignore[override]
        return () if self.is_over else super().receive(event)  # type: ignore[arg-type]


class Reopened(Exchange[object]):
    """Forgets why it failed when it is closed."""

    def close(self) -> None:
        super().close()
        self.error = None


@pytest.mark.parametrize(
    ("defective", "message"),
    [
        (Splits, "cut in another way"),
        (Raises, "nobody expects"),
        (GoesOn, "is taken by an exchange that is over"),
        (Reopened, "closing changes one that is over"),
    ],
)
def test_the_template_notices(defective: type[Exchange[object]], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def begun(endpoint: int) -> tuple[Exchange[object], list[bool]]:
        exchange, ended = whole(endpoint)
        own = defective(exchange.request, exchange._reader, exchange.limits)
        own.on_end = exchange.on_end
        return own, ended

    whole = template.begun
    monkeypatch.setattr(template, "begun", begun)
    with pytest.raises((AssertionError, ValueError), match=message):
        for seed in template.SEEDS:
            template.test_one_input(seed)


def test_the_template_runs_an_input_again_without_a_fuzzer(tmp_path: Path) -> None:
    found = tmp_path / "crash-1"
    found.write_bytes(template.SEEDS[0])
    command: list[str | Path] = [sys.executable, template.__file__, found]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    assert (done.stdout, done.stderr) == (f"{found} holds\n", "")
