"""The command ``bench``: put a load on an endpoint, and report what it does to it."""

from __future__ import annotations

import sys
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import click

from . import _completion
from ._command import Command
from ._errors import CommandFailed
from ._settings import Settings, split_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bento_client.bench import ClosedLoop, OpenLoop, Report
    from bento_proto import Endpoint

    from ._arguments import Arguments

_MOST: Final = 1000


@click.command(
    "bench",
    cls=Command,
    examples=[
        ("bento-client bench :3000 summarize text='Your long text' --concurrency 1,2,4,8,16", ""),
        ("bento-client bench :3000 summarize --inputs texts.jsonl --rate 50 --duration 60 --slo p99=200ms", ""),
        ("bento-client bench :3000 generate img=@cat.png -o before.json --html before.html", ""),
        ("bento-client bench --compare before.json after.json", ""),
    ],
    help="""Measure an endpoint under load: throughput, latencies, errors.

    Arguments are given as with call. Without any, each required one is an example made from the schema. Exit code 1
    if an objective (--slo) is met under none of the loads. Ctrl-C ends the measurement, and what was measured until
    then is reported.
    """,
)
@click.argument(
    "words", nargs=-1, metavar="[URL] ENDPOINT [ARGUMENT]...", shell_complete=_completion.words(arguments=True)
)
@click.option("--concurrency", metavar="N,...", help="Closed loop: so many callers, one number after the other.")
@click.option("--rate", metavar="N,...", help="Open loop: so many calls a second; latency counts from the due time.")
@click.option(
    "--arrivals",
    type=click.Choice(["poisson", "constant"]),
    default="poisson",
    help="When the calls of an open loop are due (default poisson).",
)
@click.option("--duration", type=float, metavar="SECONDS", help="Measure so long, not until the windows agree.")
@click.option("--warm-up", type=float, default=1.0, metavar="SECONDS", help="Load before measuring (default 1).")
@click.option("--window", type=float, default=2.0, metavar="SECONDS", help="The length of a window (default 2).")
@click.option(
    "--inputs", type=click.Path(), metavar="FILE|-", help="Take calls from JSONL: an object of arguments a line."
)
@click.option("-d", "--data", type=click.Path(), metavar="FILE|-|JSON", help="Take the arguments from a JSON object.")
@click.option("--slo", multiple=True, metavar="LIMIT", help="p99=200ms, first.p95=1s, gap.p99=50ms or errors=1%.")
@click.option("--poll", type=float, metavar="SECONDS", help="Ask for the status of a task so often.")
@click.option("--most", type=int, default=_MOST, metavar="N", help="Calls at a time in an open loop (default 1000).")
@click.option("--processes", type=int, default=1, metavar="N", help="Make the calls in so many processes (default 1).")
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Save the report, as JSON.")
@click.option("--csv", type=click.Path(), metavar="FILE", help="Save the table, as CSV.")
@click.option("--html", type=click.Path(), metavar="FILE", help="Save a page with plots.")
@click.option("--compare", is_flag=True, help="Measure nothing: compare the two reports that are named.")
@click.pass_obj
def command(
    settings: Settings,
    words: tuple[str, ...],
    concurrency: str | None,
    rate: str | None,
    arrivals: str,
    duration: float | None,
    warm_up: float,
    window: float,
    inputs: str | None,
    data: str | None,
    slo: tuple[str, ...],
    poll: float | None,
    most: int,
    processes: int,
    output: str | None,
    csv: str | None,
    html: str | None,
    compare: bool,
) -> None:
    """Measure an endpoint under load."""
    import anyio

    from bento_client.bench import ClosedLoop, OpenLoop, Plan, bench_async, parse_objective, table

    from ._bench_view import Interruption, View
    from ._output import line, note

    if compare:
        line(_compared(words).rstrip("\n"))
        return
    url, name, rest = split_endpoint(words)
    loads: list[ClosedLoop | OpenLoop] = [ClosedLoop(int(each)) for each in _numbers("--concurrency", concurrency)]
    loads += [
        OpenLoop(each, "constant" if arrivals == "constant" else "poisson", most) for each in _numbers("--rate", rate)
    ]
    loads = loads or [ClosedLoop(1)]
    plan = Plan(warm_up, duration, window)
    for text in slo:
        parse_objective(text)
    if settings.retries is None:
        settings.retries = 0  # what fails is counted
    connections = max(load.concurrency if isinstance(load, ClosedLoop) else load.most for load in loads)

    async def main() -> Report:
        async with settings.async_client(url, connections=connections) as client:
            service = await client.connect()
            if name not in service.endpoints:
                from bento_proto.schema import unknown_endpoint

                raise click.UsageError(unknown_endpoint(service, name))
            calls, examples = _inputs(service.endpoints[name], rest, data, inputs)
            if examples and not settings.is_json:
                note(f"arguments made from the schema: {', '.join(examples)}")
            with View(settings) as view, Interruption() as interruption:
                return await bench_async(
                    client,
                    name,
                    calls,
                    loads,
                    plan=plan,
                    objectives=slo,
                    poll=poll,
                    processes=processes,
                    factory=partial(settings.async_client, url, connections=connections),
                    on_progress=view.update,
                    stop=interruption.asked,
                )

    report = anyio.run(main)
    if not report.loads:  # Ctrl-C came before anything was measured
        raise KeyboardInterrupt
    _save(report, output, csv, html)
    line((report.to_json() if settings.is_json else table(report)).rstrip("\n"))
    if report.interrupted:
        raise KeyboardInterrupt
    if not report.is_met:
        raise CommandFailed(f"no load meets {', '.join(slo)}")


def _save(report: Report, output: str | None, csv: str | None, html: str | None) -> None:
    from bento_client.bench import Report
    from bento_client.bench import html as page

    for path, form in ((output, Report.to_json), (csv, Report.to_csv), (html, page)):
        if path is not None:
            Path(path).write_text(form(report), encoding="utf-8")


def _compared(words: Sequence[str]) -> str:
    from bento_client.bench import Report, compare

    if len(words) != 2:
        raise click.UsageError("--compare takes two reports, as -o saves them")
    before, after = (Report.from_json(Path(word).read_bytes()) for word in words)
    return compare(before, after)


def _numbers(option: str, text: str | None) -> list[float]:
    """The numbers in an option such as ``1,2,4``."""
    try:
        found = [float(each) for each in (text or "").split(",") if each.strip()]
    except ValueError:
        found = []
    is_whole = option != "--concurrency" or all(number.is_integer() for number in found)
    if text is not None and (not found or not is_whole):
        raise click.UsageError(f"{option} takes numbers such as 1,2,4, not {text!r}")
    return found


def _inputs(
    endpoint: Endpoint, words: Sequence[str], data: str | None, path: str | None
) -> tuple[list[tuple[Sequence[object], Mapping[str, object]]], Sequence[str]]:
    """The arguments of the calls, and the names of those that are made from the schema."""
    from bento_proto.testing import example

    from ._arguments import parse

    if path is not None:
        if data is not None:
            raise click.UsageError("--inputs and --data can't both be given")
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        found = [_repeatable(parse(endpoint, words, _input(line))) for line in text.splitlines() if line.strip()]
        if not found:
            raise click.UsageError(f"{path} has no inputs")
        return found, ()
    args, kwargs = _repeatable(parse(endpoint, words, data))
    if args:
        return [(args, kwargs)], ()
    if endpoint.root_input and not endpoint.root_fields:
        return [((example(endpoint.parameters[0].schema),), {})], ["the argument"]
    missing = {
        each.name: example(each.schema)
        for each in endpoint.root_fields or endpoint.parameters
        if each.required and not each.is_variadic and each.name not in kwargs
    }
    return [((), {**kwargs, **missing})], list(missing)


def _input(line: str) -> str:
    """A line of JSONL, as `parse` takes JSON: an object, not the name of a file."""
    if line.lstrip()[:1] != "{":
        raise click.UsageError(f"each input is a JSON object of arguments, not {line[:50]!r}")
    return line


def _repeatable(given: Arguments) -> tuple[Sequence[object], Mapping[str, object]]:
    """The arguments with the content of standard input in place of a file that can be read once."""
    return tuple(map(_read, given.args)), {name: _read(value) for name, value in given.kwargs.items()}


def _read(value: object) -> object:
    from bento_proto import File

    if isinstance(value, File) and not isinstance(value.content, (str, bytes, PathLike)):
        return File(cast("BinaryIO", value.content).read(), value.name, value.content_type)
    return value
