"""Batches on the command line: a line for each input, exactly one, however often the command dies."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bento_client.batch import Summary, read_inputs, write_jsonl
from bento_proto import LimitExceeded, Limits, UnprocessableEntity
from bento_sync import SyncHTTPClient
from tests.parity.proxies import Answer, Asked, Piece, Stub, endpoint, reply, routes, schema
from tests.waiting import until

from .conftest import COMMAND, Run, environment

KILLS = int(os.environ.get("MAP_KILLS", "3"))
INPUTS = int(os.environ.get("MAP_INPUTS", "3000"))
INTEGER = {"type": "integer"}
SCHEMA: Any = schema(
    endpoint("f", input={"properties": {"x": INTEGER}, "required": ["x"]}, output=INTEGER),
    endpoint("text", input={"properties": {"t": {"type": "string"}}, "required": ["t"]}, output={"type": "string"}),
    endpoint(
        "size",
        input={"properties": {"f": {"type": "file", "format": "binary"}}, "required": ["f"]},
        output=INTEGER,
    ),
    endpoint("picture", input={"properties": {"x": INTEGER}}, output={"type": "file", "format": "binary"}),
)


def doubled(asked: Asked) -> Piece:
    number = json.loads(asked.body)["x"]
    return reply({"error": "no sevens"}, 422) if number == 7 else reply(2 * number)


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    answers: dict[str, Answer | Piece] = {
        "/readyz": reply(),
        "/schema.json": reply(SCHEMA),
        "/f": doubled,
        "/text": lambda asked: reply(json.loads(asked.body)["t"].encode(), headers={"content-type": "text/plain"}),
        "/size": lambda asked: reply(len(asked.body)),
        "/picture": lambda asked: reply(asked.body, headers={"content-type": "image/gif"}),
    }
    with Stub(routes(answers)) as stub:
        yield stub


@pytest.fixture
def url(stub: Stub) -> str:
    return stub.url


def numbers(path: Path, count: int, wrapped: bool = False) -> None:
    path.write_text("".join(f"{json.dumps({'x': each} if wrapped else each)}\n" for each in range(count)))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_for_each_input(run: Run, url: str, tmp_path: Path) -> None:
    numbers(tmp_path / "in.jsonl", 30)
    done = run("map", url, "f", "in.jsonl", "-o", "out.jsonl", "--ordered")
    assert done.code == 1
    assert done.told.splitlines()[-1] == "error: 1 call failed"
    found = lines(tmp_path / "out.jsonl")
    assert [line["number"] for line in found] == list(range(30))
    assert [line["result"] for line in found if "result" in line] == [2 * each for each in range(30) if each != 7]
    error = found[7]["error"]
    assert (error["type"], error["message"], error["status"]) == ("UnprocessableEntity", "no sevens", 422)


@pytest.mark.parametrize(("how", "code", "count"), [("keep", 1, 10), ("skip", 1, 9), ("stop", 1, 7)])
def test_what_becomes_of_an_error(run: Run, url: str, tmp_path: Path, how: str, code: int, count: int) -> None:
    numbers(tmp_path / "in.jsonl", 10, wrapped=True)
    arguments = (
        "map",
        url,
        "f",
        "in.jsonl",
        "-o",
        "out.jsonl",
        "--ordered",
        "--on-error",
        how,
        "--concurrency",
        "auto",
    )
    done = run(*arguments)
    assert (done.code, len(lines(tmp_path / "out.jsonl"))) == (code, count)
    assert run(*arguments).code == 2
    again = run(*arguments, "--resume", "--json")
    assert again.code == (0 if how == "keep" else 1)
    if how == "keep":
        assert json.loads(again.out)["before"] == 10


def test_inputs_of_other_kinds(run: Run, url: str, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('t\n7\n"two, words"\n')
    assert run("map", url, "text", "in.csv", "-o", "csv.jsonl", "--ordered").code == 0
    assert [line["result"] for line in lines(tmp_path / "csv.jsonl")] == ["7", "two, words"]
    (tmp_path / "numbers.csv").write_text("x\n1\n2\n")
    assert run("map", url, "f", "numbers.csv", "-o", "x.jsonl", "--ordered").code == 0
    assert [line["result"] for line in lines(tmp_path / "x.jsonl")] == [2, 4]
    assert run("map", url, "f", "-", "-o", "stdin.jsonl", "--ordered", input=b"1\n\n2").code == 0
    assert [line["result"] for line in lines(tmp_path / "stdin.jsonl")] == [2, 4]
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("b", "a"):
        (folder / name).write_text(name * 10)
    assert run("map", url, "size", "folder", "-o", "sizes.jsonl").code == 0
    assert len(lines(tmp_path / "sizes.jsonl")) == 2


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"x": list(range(2500))}), tmp_path / "in.parquet")
    inputs = read_inputs(tmp_path / "in.parquet")
    assert inputs.total == 2500
    assert list(inputs) == [{"x": number} for number in range(2500)]


def test_results_that_are_files(run: Run, url: str, tmp_path: Path) -> None:
    numbers(tmp_path / "in.jsonl", 3)
    assert run("map", url, "picture", "in.jsonl", "-o", "out.jsonl", "--ordered", "--files", "pictures").code == 0
    kept = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert [name[:8] for name in kept] == ["00000000", "00000001", "00000002"]
    assert [line["result"]["path"] for line in lines(tmp_path / "out.jsonl")] == [f"pictures/{name}" for name in kept]
    assert run("map", url, "picture", "in.jsonl", "-o", "content.jsonl").code == 0
    assert all(line["result"]["base64"] for line in lines(tmp_path / "content.jsonl"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["f"], "map takes one INPUTS"),
        (["f", "none.jsonl"], "none.jsonl"),
        (["f", "in.txt"], "inputs are .jsonl, .csv, .parquet or a directory"),
        (["g", "in.jsonl"], "no endpoint 'g'"),
        (["f", "bad.jsonl"], "bad.jsonl, line 2: not JSON"),
        (["f", "long.csv"], "line 3 has more values than the first line has names"),
        (["f", "in.jsonl", "--concurrency", "many"], "--concurrency is a number or auto"),
    ],
)
def test_wrong_usage(run: Run, url: str, tmp_path: Path, words: list[str], told: str) -> None:
    for name, text in (("in.jsonl", "1\n"), ("in.txt", "1\n"), ("bad.jsonl", "1\n{\n"), ("long.csv", "x\n1\n2,3\n")):
        (tmp_path / name).write_text(text)
    done = run("map", url, *words, "-o", "out.jsonl")
    assert done.code == 2
    assert told in done.told


def test_standard_output_is_no_file_of_results(run: Run, url: str, tmp_path: Path) -> None:
    numbers(tmp_path / "in.jsonl", 1)
    done = run("map", url, "f", "in.jsonl", "-o", "-")
    assert (done.code, "-o takes a file" in done.told, os.listdir(tmp_path)) == (2, True, ["in.jsonl"])


def test_a_short_row_leaves_arguments_out(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a,b\n1,2\n3\n")
    assert list(read_inputs(tmp_path / "in.csv")) == [{"a": "1", "b": "2"}, {"a": "3"}]


def test_another_file_is_not_continued(run: Run, url: str, tmp_path: Path) -> None:
    numbers(tmp_path / "in.jsonl", 5)
    numbers(tmp_path / "more.jsonl", 3)
    (tmp_path / "other.jsonl").write_text("5\n4\n3\n2\n1\n")
    (tmp_path / "notes.jsonl").write_text('{"note": 1}\n')
    (tmp_path / "odd.jsonl").write_text('{"number": -1, "input": "0000000000000001", "result": 1}\n')
    (tmp_path / "netrc").write_text("machine here password mine")  # without a line's end, as what is cut has none
    (tmp_path / "note.json").write_text('{"note": 1}')
    assert run("map", url, "f", "in.jsonl", "-o", "out.jsonl").code == 0
    for inputs, output, told in (
        ("other.jsonl", "out.jsonl", "the result of another input"),
        ("more.jsonl", "out.jsonl", "more results than there are inputs"),
        ("in.jsonl", "notes.jsonl", "a line that is no result"),
        ("in.jsonl", "odd.jsonl", "a line that is no result"),
        ("in.jsonl", "netrc", "no file of results"),
        ("in.jsonl", "note.json", "no file of results"),
    ):
        before = (tmp_path / output).read_bytes()
        done = run("map", url, "f", inputs, "-o", output, "--resume")
        assert done.code == 2
        assert told in done.told
        assert (tmp_path / output).read_bytes() == before


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are killed")
def test_each_input_has_one_line_however_often_it_is_killed(run: Run, url: str, tmp_path: Path) -> None:
    count, chance = 400 * (KILLS + 1), random.Random(21)
    numbers(tmp_path / "in.jsonl", count)
    output = tmp_path / "out.jsonl"
    command = ("map", url, "f", "in.jsonl", "-o", "out.jsonl", "--resume", "--concurrency", "16")
    written = 0
    for _ in range(KILLS):
        process = subprocess.Popen((*COMMAND, *command), cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL)
        least = written + chance.randrange(1, 300)
        until(lambda: output.exists() and output.read_bytes().count(b"\n") >= least)  # noqa: B023
        process.kill()
        process.wait()
        written = output.read_bytes().count(b"\n")
        with output.open("ab") as file:
            file.write(b'{"number": 1, "inp')  # as if it had died while writing
    assert written < count, "it was never killed in the midst"
    done = run(*command)
    assert done.code == 1 or written
    found = lines(output)
    assert Counter(line["number"] for line in found) == Counter(range(count))
    assert all(line.get("result", 14) == 2 * line["number"] for line in found)


# --- as a function


def test_write_jsonl(url: str, tmp_path: Path) -> None:
    told: list[int] = []
    path = tmp_path / "out.jsonl"
    with SyncHTTPClient(url) as client:
        summary = write_jsonl(client, "f", range(100, 150), path, on_progress=lambda so_far: told.append(so_far.done))
        assert (summary.done, summary.before, summary.failed, summary.total) == (50, 0, 0, 50)
        assert repr(summary).startswith("<Summary: 50 of 50 done, 0 failed, ")
        assert told == list(range(1, 51))
        with pytest.raises(FileExistsError):
            write_jsonl(client, "f", range(100, 150), path)
        summary = write_jsonl(client, "f", iter(range(100, 160)), path, resume=True)
        assert (summary.done, summary.before, summary.total, summary.seconds_left) == (60, 50, 60, 0.0)
        with pytest.raises(UnprocessableEntity):
            write_jsonl(client, "f", range(20), tmp_path / "few.jsonl", on_error="skip", max_errors=0)
        assert Summary().seconds_left is None


LARGE = 100_000


@pytest.fixture
def files() -> Iterator[Stub]:
    """It returns files, all of one name, which are large for multiples of 5."""

    def file(asked: Asked) -> Piece:
        number = json.loads(asked.body)["x"]
        body = b"%08d" % number * (LARGE // 8 if number % 5 == 0 else 1)
        return reply(body, headers={"content-disposition": 'attachment; filename="it.bin"'})

    with Stub(routes({"/picture": file})) as stub:
        yield stub


@pytest.fixture
def limited(files: Stub) -> Iterator[SyncHTTPClient]:
    limits = Limits(body=LARGE - 1)
    with SyncHTTPClient(files.url, schema=SCHEMA, server_ready_timeout=0, limits=limits) as client:
        yield client


def test_a_file_in_a_line_has_the_limit_of_results_in_memory(limited: SyncHTTPClient, tmp_path: Path) -> None:
    summary = write_jsonl(limited, "picture", range(10), tmp_path / "kept.jsonl")
    assert (summary.done, summary.failed) == (10, 2)
    for line in lines(tmp_path / "kept.jsonl"):
        if line["number"] % 5:
            assert base64.b64decode(line["result"]["base64"]) == b"%08d" % line["number"]
        else:
            assert line["error"]["type"] == "LimitExceeded"
            assert line["error"]["message"].startswith("the result is a file of 100000 bytes, more than the 99999 of ")
            assert "files=DIR, or --files DIR" in line["error"]["message"]
    assert write_jsonl(limited, "picture", range(10), tmp_path / "skipped.jsonl", on_error="skip").done == 8
    with pytest.raises(LimitExceeded):
        write_jsonl(limited, "picture", range(10), tmp_path / "stopped.jsonl", on_error="raise")
    with pytest.raises(LimitExceeded):
        write_jsonl(limited, "picture", range(10), tmp_path / "few.jsonl", max_errors=1)
    assert write_jsonl(limited, "picture", range(5), tmp_path / "one.jsonl", max_errors=1).failed == 1
    # With a directory there is no limit, and what was left out is called again.
    options: Any = {"files": tmp_path / "files", "on_error": "skip", "resume": True}
    summary = write_jsonl(limited, "picture", range(10), tmp_path / "skipped.jsonl", **options)
    assert (summary.done, summary.before, summary.failed) == (10, 8, 0)
    assert sorted((path.name, path.stat().st_size) for path in (tmp_path / "files").iterdir()) == [
        ("00000000.bin", LARGE),
        ("00000005.bin", LARGE),
    ]


def test_a_file_in_a_line_is_never_in_memory(tmp_path: Path) -> None:
    """Neither when its line is written, nor when a later run reads it."""
    size = 16 << 20
    files_of = {"/picture": reply(bytes(size), headers={"content-type": "application/octet-stream"})}
    with Stub(routes(files_of)) as stub, SyncHTTPClient(stub.url, schema=SCHEMA, server_ready_timeout=0) as client:
        write_jsonl(client, "picture", [1], tmp_path / "out.jsonl")
        for count in (2, 3):
            tracemalloc.start()
            try:
                write_jsonl(client, "picture", range(1, 1 + count), tmp_path / "out.jsonl", resume=True)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert peak < size // 2
    assert [len(base64.b64decode(line["result"]["base64"])) for line in lines(tmp_path / "out.jsonl")] == [size] * 3


def test_nothing_is_left_of_files_in_lines(
    limited: SyncHTTPClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left() -> set[Path]:
        return {path for path in tmp_path.rglob("*") if path.name != ".lock" and path.suffix != ".jsonl"}

    monkeypatch.setattr("bento_files._temporary._directories", {})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    write_jsonl(limited, "picture", [1], tmp_path / "one.jsonl")
    (own,) = left()  # the directory of the process
    write_jsonl(limited, "picture", range(10), tmp_path / "all.jsonl")
    with pytest.raises(LimitExceeded):
        write_jsonl(limited, "picture", range(100), tmp_path / "stopped.jsonl", on_error="raise")
    assert left() == {own}


SHORT = """
import resource, sys
from bento_client.batch import write_jsonl
from bento_sync import SyncHTTPClient

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
with SyncHTTPClient(sys.argv[1]) as client:
    write_jsonl(client, "f", range(10, 15), "out.jsonl", ordered=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no such limit")
def test_a_line_that_is_cut_is_an_error(run: Run, url: str, tmp_path: Path) -> None:
    """A disk that is full takes a part of a write, without an error."""
    (tmp_path / "in.jsonl").write_text("".join(f"{number}\n" for number in range(10, 15)))
    command = ("map", url, "f", "in.jsonl", "-o", "out.jsonl", "--ordered")
    assert run(*command).code == 0
    whole = (tmp_path / "out.jsonl").read_bytes()
    (tmp_path / "out.jsonl").unlink()
    done = subprocess.run(
        [sys.executable, "-c", SHORT, url, str(len(whole) - 5)],
        cwd=tmp_path,
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines()[-1].startswith("OSError: [Errno 27]")
    assert (tmp_path / "out.jsonl").read_bytes() == whole[:-5]
    assert run(*command, "--resume").code == 0
    assert (tmp_path / "out.jsonl").read_bytes() == whole


def test_memory_does_not_grow(stub: Stub, tmp_path: Path) -> None:
    def inputs() -> Iterator[dict[str, object]]:
        for number in range(1500):
            if number == 500:
                tracemalloc.start()
            stub.asked.clear()
            yield {"t": f"{number:010}" * 1000}

    with SyncHTTPClient(stub.url) as client:
        try:
            assert write_jsonl(client, "text", inputs(), tmp_path / "out.jsonl").done == 1500
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 3_000_000, "a thousand inputs have 10 MB"


PROGRAM = r"""
import re, sys
from bento_client.batch import write_jsonl
from bento_sync import SyncHTTPClient

count = int(sys.argv[2])

def note(summary):
    if summary.done in (count // 10, count // 2, count):
        with open("/proc/self/status") as status:  # getrusage() has the peak of the process that started this one, too
            memory.append(re.search(r"VmHWM:\s*(\d+) kB", status.read())[1])

memory = []
with SyncHTTPClient(sys.argv[1]) as client:
    summary = write_jsonl(client, "f", range(10, 10 + count), "out.jsonl", concurrency=16, on_progress=note)
print(summary.done, *memory, round(summary.rate))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it reads its memory in /proc")
def test_many_inputs_in_flat_memory(url: str, stub: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(INPUTS)],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None:
            stub.asked.clear()
            time.sleep(0.1)
        assert process.stdout is not None
        done, early, half, late, rate = map(int, process.stdout.read().split())
    with capsys.disabled():
        print(f"\n  {done:,} inputs, {rate:,}/s: {early:,} kB after a tenth, {half:,} after half, {late:,} at the end")
    assert done == INPUTS
    assert late - early < 5_000
    with (tmp_path / "out.jsonl").open(encoding="utf-8") as file:
        assert Counter(json.loads(line)["number"] for line in file) == Counter(range(INPUTS))
