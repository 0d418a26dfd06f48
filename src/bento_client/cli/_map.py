"""The command ``map``: call an endpoint with each input of a file, and write a line for each result."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Final, cast

import click

from . import _completion
from ._command import Command
from ._errors import CommandFailed
from ._settings import Settings, split_endpoint

if TYPE_CHECKING:
    from typing import Literal

    from bento_client.batch import Summary

_INTERVAL: Final = 0.5  # seconds between two reports on a terminal
_ON_ERROR: Final = {"keep": "return", "skip": "skip", "stop": "raise"}


@click.command(
    "map",
    cls=Command,
    examples=[
        ("bento-client map :3000 summarize texts.jsonl -o summaries.jsonl", ""),
        ("bento-client map :3000 summarize texts.jsonl -o summaries.jsonl --resume", "continue after any end"),
        ("bento-client map :3000 classify photos/ -o classes.jsonl --concurrency auto", ""),
        ("zcat texts.jsonl.gz | bento-client map :3000 summarize - -o summaries.jsonl", ""),
    ],
    help="""Call an endpoint with each of many inputs, and write a line of JSON for each result.

    INPUTS is a .jsonl file, in which an object is the arguments by name, and anything else the only argument; a .csv
    file, whose first line has their names; a .parquet file, with pyarrow; a directory, whose files are the inputs; or
    - for JSONL on standard input. Memory is bounded. A Service that refuses calls is waited for.

    A line is {"number": 0, "input": HASH, "result": ...}, or with "error". With --resume each input has one line in
    the end; a call that was under way when the command died is made again. Exit code 1 if a call failed.
    """,
)
@click.argument("words", nargs=-1, metavar="[URL] ENDPOINT INPUTS", shell_complete=_completion.words(arguments=True))
@click.option("-o", "--output", type=click.Path(), required=True, metavar="FILE", help="Append the lines to this file.")
@click.option("--resume", is_flag=True, help="Continue FILE: leave out the inputs that have a line.")
@click.option("--concurrency", default="8", metavar="N|auto", help="So many calls at a time (default 8).")
@click.option("--ordered", is_flag=True, help="Write the lines in the order of the inputs.")
@click.option(
    "--on-error",
    type=click.Choice(list(_ON_ERROR)),
    default="keep",
    help="Write the error (default), write nothing, so that --resume makes the call again, or stop.",
)
@click.option("--max-errors", type=int, metavar="N", help="Stop after so many errors.")
@click.option("--files", type=click.Path(), metavar="DIR", help="Put results that are files there, under their number.")
@click.option("--format", "kind", type=click.Choice(["jsonl", "csv", "parquet"]), help="What INPUTS is.")
@click.pass_obj
def command(
    settings: Settings,
    words: tuple[str, ...],
    output: str,
    resume: bool,
    concurrency: str,
    ordered: bool,
    on_error: str,
    max_errors: int | None,
    files: str | None,
    kind: str | None,
) -> None:
    """Call an endpoint with each of many inputs."""
    from bento_client.batch import read_inputs, write_jsonl

    from ._arguments import parse_row

    url, name, rest = split_endpoint(words)
    if len(rest) != 1:
        raise click.UsageError("map takes one INPUTS: a file, a directory, or - for standard input")
    if output == "-":
        raise click.UsageError("-o takes a file: --resume reads what is there. One of this name is ./-")
    if concurrency != "auto" and not concurrency.isdecimal():
        raise click.UsageError(f"--concurrency is a number or auto, not {concurrency!r}")
    with settings.client(url) as client:
        service = client.connect()
        if name not in service.endpoints:
            from bento_proto.schema import unknown_endpoint

            raise click.UsageError(unknown_endpoint(service, name))
        endpoint = service.endpoints[name]
        inputs = read_inputs(rest[0], kind, lambda row: parse_row(endpoint, row))
        report = _Report(settings)
        try:
            summary = write_jsonl(
                client,
                name,
                inputs,
                output,
                resume=resume,
                files=files,
                concurrency="auto" if concurrency == "auto" else int(concurrency),
                ordered=ordered,
                on_error=cast("Literal['raise', 'return', 'skip']", _ON_ERROR[on_error]),
                max_errors=max_errors,
                on_progress=report.update,
            )
        except FileExistsError:
            raise click.UsageError(f"{output} is there already: --resume continues it") from None
        finally:
            report.clear()
    report.end(summary)
    if summary.failed:
        raise CommandFailed("1 call failed" if summary.failed == 1 else f"{summary.failed:,} calls failed")


class _Report:
    """Progress on standard error: in place on a terminal, and once at the end."""

    def __init__(self, settings: Settings) -> None:
        self._is_json = settings.is_json
        self._is_live = sys.stderr.isatty() and not settings.is_json
        self._next = 0.0
        self._width = 0

    def update(self, summary: Summary) -> None:
        """A line was written."""
        now = time.monotonic()
        if self._is_live and now >= self._next:
            self._next = now + _INTERVAL
            text = _text(summary)
            sys.stderr.write("\r" + text.ljust(self._width))
            sys.stderr.flush()
            self._width = len(text)

    def clear(self) -> None:
        """Remove what is shown in place."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")

    def end(self, summary: Summary) -> None:
        """All lines are written."""
        from ._output import line, note

        if self._is_json:
            counts = {"done": summary.done, "before": summary.before, "failed": summary.failed}
            line(json.dumps({**counts, "total": summary.total, "seconds": round(summary.seconds, 3)}))
        else:
            note(_text(summary))


def _text(summary: Summary) -> str:
    total = "" if summary.total is None or summary.total == summary.done else f" of {summary.total:,}"
    parts = [f"{summary.done:,}{total} done"]
    if summary.failed:
        parts.append(f"{summary.failed:,} failed")
    parts.append(f"{summary.rate:,.0f}/s")
    left = summary.seconds_left
    if left:
        parts.append(f"{int(left) // 3600}:{int(left) // 60 % 60:02}:{int(left) % 60:02} left")
    return ", ".join(parts)
