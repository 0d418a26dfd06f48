"""Reports: JSON that is read again, CSV, the table, objectives."""

from __future__ import annotations

import csv
import dataclasses
from xml.etree import ElementTree as ET

import pytest

from bento_client.bench import ClosedLoop, OpenLoop, Plan, Report, compare, html, parse_objective, table
from bento_client.bench._histogram import PERCENTILES
from bento_client.bench._metrics import counters, growth
from bento_client.bench._table import amount, duration, size
from bento_proto import ConnectError

from .virtual import KnownService, constant, measure

VIEWPORT = '<meta name="viewport" content="width=device-width">'


def report() -> Report:
    loads = [
        measure(KnownService(constant(seconds)), load, Plan(duration=4), ("p99=200ms",))
        for load, seconds in ((ClosedLoop(1), 0.1), (ClosedLoop(16), 0.15), (OpenLoop(50), 0.3))
    ]
    return Report("http://localhost:3000", "summarize", "2026-01-02T03:04:05+00:00", "1.0", ["p99=200ms"], loads)


def test_a_report_is_read_again_as_it_was_written() -> None:
    written = report()
    assert Report.from_json(written.to_json()) == written


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"bento_client_bench": 99}', '{"bento_client_bench": 1}', '{"bento_client_bench": 1, "x": 1}'],
)
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="report"):
        Report.from_json(text)


def test_csv_has_a_row_for_each_load() -> None:
    rows = list(csv.DictReader(report().to_csv().splitlines()))
    assert [row["load"] for row in rows] == ["1 at a time", "16 at a time", "50/s poisson"]
    assert float(rows[1]["latency_p99"]) == pytest.approx(0.15, rel=0.01)
    assert [row["met"] for row in rows] == ["True", "True", "False"]


def test_the_table_says_what_there_is_and_what_is_met() -> None:
    text = table(report())
    assert [line.split()[-1] for line in text.splitlines() if "at a time  " in line or "poisson  " in line] == [
        "yes",
        "yes",
        "no",
    ]
    assert "first" not in text
    assert "50/s poisson:\n  not met: p99=200ms" in text
    assert text.endswith("p99=200ms is met up to 16 at a time: 107 calls/s\n")


def test_the_page_is_whole_and_safe() -> None:
    """It is well-formed, has a plot of each kind, and nothing in it is loaded or run, whatever the Service says."""
    found = report()
    loads = [dataclasses.replace(load, errors={"<script>alert(1)</script>": 1}, failed=1) for load in found.loads]
    page = html(dataclasses.replace(found, endpoint="<img src=x>", loads=loads))
    assert page.startswith("<!doctype html>")
    tree = ET.fromstring(page.partition("\n")[2].replace('<meta charset="utf-8">', "").replace(VIEWPORT, ""))
    assert "prefers-color-scheme: dark" in page
    assert [each.text for each in tree.iter("h2")][-3:] == [
        "Throughput and latency by load", "Latency over time", "Distribution of the latency",
    ]  # fmt: skip
    assert len(list(tree.iter("svg"))) == 5  # two by load, two over time, as calls failed, and the distribution
    assert {each.tag for each in tree.iter()}.isdisjoint({"script", "img", "link", "iframe", "a"})
    for line in tree.iter("polyline"):
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 720
            assert 0 <= y <= 280


def test_a_page_of_failures_only_has_no_empty_plots() -> None:
    async def failing(call: object) -> None:
        raise ConnectError("refused")

    load = measure(failing, ClosedLoop(1), Plan(warm_up=0, duration=1))
    page = html(dataclasses.replace(report(), objectives=[], loads=[load]))
    assert page.count("<svg") == 1
    assert "ConnectError" in page


def test_reports_are_compared_load_by_load() -> None:
    before = report()
    latency = dataclasses.replace(before.loads[0].latency, percentiles=dict.fromkeys(PERCENTILES, 0.2))
    faster = dataclasses.replace(before.loads[0], latency=latency, calls_per_second=5.0, failed=3)
    text = compare(before, dataclasses.replace(before, loads=[faster, before.loads[1]]))
    rows = {line.split("  ")[0]: line.split() for line in text.partition("1 at a time\n")[2].splitlines()[1:8]}
    assert rows["calls/s"][-1] == "-50.0%"
    assert rows["p99"][-1] == "+100.0%"
    assert rows["errors"] == ["errors", "0", "3"]
    assert "first" not in text
    assert text.endswith("only before: 50/s poisson\n")


@pytest.mark.parametrize(
    ("text", "metric", "limit", "percent"),
    [
        ("p99=200ms", "latency", 0.2, 99.0),
        ("p99.9<1.5s", "latency", 1.5, 99.9),
        ("first.p95=80ms", "first", 0.08, 95.0),
        ("gap:p50=500us", "gap", 0.0005, 50.0),
        ("errors=0.5%", "errors", 0.005, None),
    ],
)
def test_objectives(text: str, metric: str, limit: float, percent: float | None) -> None:
    found = parse_objective(text)
    assert (found.metric, found.percent) == (metric, percent)
    assert found.limit == pytest.approx(limit)


@pytest.mark.parametrize("text", ["", "p99", "p99=200", "p42=1s", "mean=1s", "errors=1"])
def test_what_is_no_objective_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"objective|percentiles"):
        parse_objective(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0"), (0.0000123, "12.3 µs"), (0.00123, "1.23 ms"), (0.123, "123 ms"), (0.9996, "1.00 s"), (75.0, "75.0 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_amounts_and_sizes() -> None:
    assert [amount(value) for value in (0, 1.234, 12.34, 123.4, 12345.6)] == ["0.00", "1.23", "12.3", "123", "12,346"]
    assert [size(value) for value in (0, 12.34, 1234, 5.6e9, 7e12)] == ["0", "12.3 B", "1.23 kB", "5.60 GB", "7000 GB"]


def test_counters_are_read_and_their_growth_is_told() -> None:
    text = """\
# HELP x_total Calls.
# TYPE x_total counter
x_total{endpoint="/a b",code="200"} 3.0
x_total{endpoint="/c"} 1 1700000000000
x_in_progress 2.0
x_duration_seconds_bucket{le="0.1"} 5
x_duration_seconds_sum 1.5
x_duration_seconds_count NaN?
nonsense
"""
    before = counters(text)
    assert before == {
        'x_total{endpoint="/a b",code="200"}': 3.0,
        'x_total{endpoint="/c"}': 1.0,
        "x_duration_seconds_sum": 1.5,
    }
    after = {**before, 'x_total{endpoint="/c"}': 4.0, "new_total": 2.0, "x_duration_seconds_sum": 0.5}
    assert growth(before, after) == {'x_total{endpoint="/c"}': 3.0, "new_total": 2.0}


SERVED = {
    'x_images_total{kind="png"}': 7.0,
    'bentoml_service_request_total{endpoint="/f",http_response_code="200",service_name="S"}': 1362.0,
    'bentoml_service_request_total{endpoint="/f",http_response_code="429",service_name="S"}': 3.0,
    'bentoml_service_request_duration_seconds_count{endpoint="/f",service_name="S"}': 1362.0,
    'bentoml_service_request_duration_seconds_sum{endpoint="/f",service_name="S"}': 6.81,
    'bentoml_service_adaptive_batch_size_count{service_name="S"}': 100.0,
    'bentoml_service_adaptive_batch_size_sum{service_name="S"}': 390.0,
    'python_gc_collections_total{generation="0"}': 9.0,
    "process_cpu_seconds_total": 2.5,
}


def test_the_services_own_counters_are_in_the_table_and_on_the_page() -> None:
    measured = report()
    loads = [dataclasses.replace(measured.loads[0], server=SERVED), *measured.loads[1:]]
    shown = dataclasses.replace(measured, loads=loads)
    lines = [
        "server: request_total{http_response_code=200} +1,362",
        "server: request_total{http_response_code=429} +3",
        "server: request_duration_seconds 5.00 ms on average, 1,362 times",
        "server: adaptive_batch_size 3.90 on average, 100 times",
        "server: x_images_total +7",
    ]
    assert "1 at a time:\n  " + "\n  ".join(lines) + "\n" in table(shown)
    for line in lines:
        assert f"<li>{line}</li>" in html(shown)


def test_of_many_counters_a_few_are_in_the_table() -> None:
    measured = report()
    many = {f'a_total{{k="{number}"}}': 1.0 for number in range(20)}
    text = table(dataclasses.replace(measured, loads=[dataclasses.replace(measured.loads[0], server=many)]))
    assert text.count("server: a_total{k=") == 6
    assert "server: 14 more in the JSON report" in text


def test_names_of_counters_are_one_short_line() -> None:
    measured = report()
    odd = {'b_total{k="\x1b[31m' + 900 * "x" + '"}': 2.0, 'b_total{k="y"}': 1.0}
    text = table(dataclasses.replace(measured, loads=[dataclasses.replace(measured.loads[0], server=odd)]))
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) < 200
