"""The tool that fuzzes: how it divides the time, what it reads in libFuzzer's output, and what it reports."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fuzzing import HARNESSES, MAX_LEN, Outcome, main, parsed, read_outcome, report, share
from steps import ROOT

HELD = """\
#3907\tDONE   cov: 412 ft: 901 corp: 61/2014b lim: 2000 exec/s: 781 rss: 41Mb
Done 3907 runs in 5 second(s)
stat::number_of_executed_units: 3907
stat::average_exec_per_sec:     781
"""
FAILED = f"""\
 === Uncaught Python exception: ===
AssertionError: another split gives 1 instead of 2
==7== ERROR: libFuzzer: fuzz target exited
artifact_prefix='{ROOT}/.fuzz/found/sse/'; Test unit written to {ROOT}/.fuzz/found/sse/crash-0a1b
stat::number_of_executed_units: 12
"""


@pytest.mark.parametrize(
    ("code", "printed", "outcome", "verdict"),
    [
        (0, HELD, Outcome("sse", 5.0, 3907, 9, None, True), "held"),
        (
            77,
            FAILED,
            Outcome("sse", 5.0, 12, 9, ".fuzz/found/sse/crash-0a1b", False),
            "FAILED: .fuzz/found/sse/crash-0a1b",
        ),
        (1, "ImportError", Outcome("sse", 5.0, None, 9, None, False), "FAILED: it did not run to its end"),
        (0, "", Outcome("sse", 5.0, None, 9, None, False), "FAILED: it did not run to its end"),
    ],
)
def test_what_came_of_a_run(code: int, printed: str, outcome: Outcome, verdict: str) -> None:
    assert read_outcome("sse", 5.0, code, printed, 9) == outcome
    assert outcome.verdict == verdict


@pytest.mark.parametrize(("minutes", "harnesses", "seconds"), [(20, 20, 60), (60, 19, 189), (0.1, 20, 1), (0, 3, 1)])
def test_minutes_are_shared(minutes: float, harnesses: int, seconds: int) -> None:
    assert share(minutes, harnesses) == seconds


def test_the_options() -> None:
    every = parsed([])
    assert (every.harness, every.seconds, every.max_len) == (HARNESSES, 60, MAX_LEN)
    some = parsed(["--minutes", "10", "--max-len", "4194304", "sse", "wire"])
    assert (some.harness, some.seconds, some.max_len) == (["sse", "wire"], 300, 4 << 20)


@pytest.mark.parametrize("wrong", [["nope"], ["--minutes", "1", "--seconds", "1"]])
def test_wrong_options_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed(wrong)
    assert "no such harness: nope" in (error := capsys.readouterr().err) or "not allowed with" in error


def test_the_report_is_a_table() -> None:
    outcomes = [
        Outcome("sse", 10.0, 12_345, 61, None, True),
        Outcome("wire", 2.0, None, 20, None, False),
        Outcome("text", 8.0, 800, 13, ".fuzz/found/text/crash-1", False),
    ]
    assert report(outcomes, 2000) == (
        "3 harnesses, inputs of up to 2,000 bytes: 2 FAILED (wire, text)\n"
        "\n"
        "| harness | seconds | executions | executions/s | corpus | |\n"
        "|---|--:|--:|--:|--:|---|\n"
        "| sse | 10 | 12,345 | 1,234 | 61 | held |\n"
        "| wire | 2 | no | 0 | 20 | FAILED: it did not run to its end |\n"
        "| text | 8 | 800 | 100 | 13 | FAILED: .fuzz/found/text/crash-1 |\n"
        "| together | 20 | 13,145 | 657 | 94 | |\n"
    )
    assert report(outcomes[:1], 2000).startswith("1 harnesses, inputs of up to 2,000 bytes: all held\n")


def test_elsewhere_it_says_where_it_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SystemExit, match="atheris is there for Linux"):
        main(["--report", str(tmp_path / "report.md")])
