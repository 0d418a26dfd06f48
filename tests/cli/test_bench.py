"""``bench`` against a real Service, whose own counters are the log of what it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bento_client.bench import Report

from .conftest import Run

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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nope"], "no endpoint 'nope'"),
        (["echo_str", "--concurrency", "1,x"], "--concurrency takes numbers such as 1,2,4, not '1,x'"),
        (["echo_str", "--concurrency", "0"], "concurrency must be 1 or more, not 0"),
        (["echo_str", "--concurrency", "1.5"], "--concurrency takes numbers"),
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
