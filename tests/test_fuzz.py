"""The harnesses of ``fuzz/`` without a fuzzer: the corpus once more, and a bounded number of variations of it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
