"""``bench`` against a real Service, whose own counters are the log of what it did."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bento_client.bench import Report

from .conftest import Run
from .terminals import Terminal

QUICK = ("--warm-up", "0", "--duration", "1", "--window", "0.5")


def test_the_service_counted_the_same_calls_and_took_no_longer(run: Run, zoo: str) -> None:
    done = run("bench", zoo, "echo_str", "text=hi", "--concurrency", "1,3", *QUICK, "--json")
    assert (done.code, done.told) == (0, "")
    report = Report.from_json(done.out)
    assert [load.concurrency for load in report.loads] == [1, 3]
    for load in report.loads:
        counted = {
            name.partition("{")[0]: value for name, value in load.server.items() if 'endpoint="/echo_str"' in name
        }
        assert load.calls > 0
        assert load.failed == 0
        # BentoML counts a call after its response: of the last ones before and in the load, some are counted later.
        count = counted["bentoml_service_request_total"]
        assert abs(count - load.calls) <= 1 + (load.concurrency or 0)
        assert counted["bentoml_service_request_duration_seconds_sum"] / count <= load.latency.max


def test_a_table_and_files(run: Run, zoo: str, tmp_path: Path) -> None:
    done = run(
        "bench",
        zoo,
        "stream_dict",
        "n=3",
        "--rate",
        "20",
        *QUICK,
        "--slo",
        "p99=60s",
        "-o",
        "r.json",
        "--csv",
        "r.csv",
        "--html",
        "r.html",
    )
    assert (done.code, done.told) == (0, "")
    assert "20/s poisson" in done.text
    assert "items/s" in done.text
    assert "server: request_total +" in done.text
    assert "server: request_duration_seconds " in done.text
    report = Report.from_json((tmp_path / "r.json").read_bytes())
    assert report.loads[0].rate == 20
    assert report.loads[0].gap.count == 2 * report.loads[0].calls
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    done = run("bench", "--compare", "r.json", "r.json")
    assert (done.code, done.told) == (0, "")
    assert "+0.0%" in done.text
    assert (tmp_path / "r.csv").read_text().startswith("load,concurrency,rate,")


def test_an_objective_that_is_not_met_is_exit_code_1(run: Run, zoo: str) -> None:
    done = run("bench", zoo, "echo_str", "text=hi", *QUICK, "--slo", "p50=1us")
    assert done.code == 1
    assert "not met: p50=1us" in done.text
    assert done.told == "error: no load meets p50=1us\n"


def test_arguments_are_examples_or_a_line_each(run: Run, zoo: str, tmp_path: Path) -> None:
    done = run("bench", zoo, "echo_str", *QUICK)
    assert (done.code, done.told) == (0, "arguments made from the schema: text\n")
    done = run("bench", zoo, "file_in", *QUICK, "--json")
    assert (done.code, json.loads(done.out)["loads"][0]["failed"]) == (0, 0)
    (tmp_path / "inputs.jsonl").write_text('{"text": "a"}\n\n{"text": "bcd"}\n')
    load = json.loads(run("bench", zoo, "echo_str", "--inputs", "inputs.jsonl", *QUICK, "--json").out)["loads"][0]
    assert 1 < load["received_per_second"] / load["calls_per_second"] < 3
    load = json.loads(run("bench", zoo, "file_in", "f=@-", *QUICK, "--json", input=b"x" * 5000).out)["loads"][0]
    assert load["sent_per_second"] > 5000


def test_processes_make_a_load_of_every_kind(run: Run, zoo: str, tasks: str, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"x" * 5000)
    short = (*QUICK, "--processes", "2", "--concurrency", "2", "--json")
    for words in (
        (zoo, "file_in", "f=@cat.png"),
        (zoo, "stream_dict", "n=2"),
        (tasks, "str_task", "--poll", "0.05"),
    ):
        done = run("bench", *words, *short)
        assert (done.code, done.told) == (0, "")
        report = Report.from_json(done.out)
        assert report.processes == 2
        assert report.loads[0].calls > 0
        assert report.loads[0].failed == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("processes", ["1", "2"])
def test_ctrl_c_ends_with_what_was_measured(zoo: str, tmp_path: Path, processes: str) -> None:
    words = ("bench", zoo, "echo_str", "text=hi", "--warm-up", "0", "--duration", "600", "--processes", processes)
    files = ("-o", "r.json", "--csv", "r.csv", "--html", "r.html")
    with Terminal(*words, *files, cwd=tmp_path) as shown:
        shown.wait_for("calls/s, p50")
        shown.interrupt()
        code, text = shown.finish()
    assert code == 130
    assert "warning: interrupted after" in text
    report = Report.from_json((tmp_path / "r.json").read_bytes())
    assert report.interrupted
    assert 0 < report.loads[0].seconds < 600
    assert (tmp_path / "r.csv").exists()
    assert "interrupted after" in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_ctrl_c_before_anything_was_measured(zoo: str, tmp_path: Path) -> None:
    with Terminal("bench", zoo, "echo_str", "text=hi", "--warm-up", "600", "-o", "r.json", cwd=tmp_path) as shown:
        shown.wait_for("warming up")
        shown.interrupt()
        code, text = shown.finish()
    assert code == 130
    assert "echo_str at" not in text
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nope"], "no endpoint 'nope'"),
        (["echo_str", "--concurrency", "1,x"], "--concurrency takes numbers such as 1,2,4, not '1,x'"),
        (["echo_str", "--concurrency", "0"], "concurrency must be 1 or more, not 0"),
        (["echo_str", "--concurrency", "1.5"], "--concurrency takes numbers"),
        (["echo_str", "--processes", "0"], "processes must be 1 or more, not 0"),
        (["echo_str", "--rate", ""], "--rate takes numbers"),
        (["echo_str", "--slo", "fast"], "an objective is p99=200ms"),
        (["echo_str", "--duration", "-1"], "duration must be more than 0 seconds"),
        (["echo_str", "--inputs", "absent.jsonl"], "No such file or directory: absent.jsonl"),
        (["echo_str", "--inputs", "-"], "- has no inputs"),
        (["echo_str", "txt=hi", "text=hi"], "unexpected keyword argument 'txt'"),
        (["--compare"], "--compare takes two reports"),
        ([], "the endpoint is missing"),
    ],
)
def test_wrong_usage(run: Run, zoo: str, words: list[str], told: str) -> None:
    done = run("bench", zoo, *words)
    assert (done.code, done.text) == (2, "")
    assert told in done.told
