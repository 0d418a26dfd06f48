"""How much of the core's behaviour the core's own tests hold: ``python tools/mutants.py [room ...]``.

A mutant is the core with one small mistake: ``<`` for ``<=``, a ``not``, a number off by one, a call left out. It is
killed when a test fails, and survives when none does: then nothing says that the code must be as it is. Mutants are
drawn by a seed, one for each place in the code at most, and tested until the time is up::

    python tools/mutants.py                          ten minutes of all rooms
    python tools/mutants.py policy --minutes 3       of one
    python tools/mutants.py --seed 2 --thorough      others; survivors meet all tests of the core

The mistakes are those of Cosmic Ray, which is maintained and whose operators can be used one by one; one of our own
leaves statements out. mutmut was not taken: it tests through copies of functions that it chooses itself, so neither
the places nor the test command can be chosen, and it does not change what is outside of functions. Cosmic Ray's own
runner changes the sources in place, one mutant at a time; this one changes copies, some at a time, and runs for each
room the tests of that room.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, TypeAlias

from build import REQUIREMENTS, ensure_with_wheel
from environments import ensure
from steps import ROOT, step

SRC = ROOT / "src"
CORE = Path("bento_proto")
TESTS = ROOT / "tests" / "proto"
ROOMS: dict[str, tuple[str, ...]] = {
    "batch.py": ("batch", "congestion", "misuse"),
    "exchange": ("exchange", "misuse", "progress", "recorded", "recorded_streams", "regressions"),
    "http11": ("http11", "fast_path", "misuse", "socks", "tunnel", "regressions"),
    "policy": (
        "attempts", "congestion", "flow", "misuse", "retry", "redirect", "discovery", "task_polling", "tasks", "hooks",
        "session",
    ),
    "pool.py": ("misuse", "pool"),
    "request": ("binding", "encoding", "encoding_recorded", "inputs", "multipart"),
    "response": ("decoders", "outputs", "reading", "response", "sse", "arrays", "recorded", "recorded_streams"),
}  # fmt: skip
"""The parts of the core that are mutated, and which of its tests are theirs."""

Position: TypeAlias = "tuple[int, int]"


class Mutant(NamedTuple):
    """A mistake to make.

    Attributes:
        room: a key of ``ROOMS``.
        path: of the module, from the folder of the packages.
        position: line and column.
        operator: Cosmic Ray's name of the mistake, or ours.
        occurrence: which of the places in that module where it could be made.
    """

    room: str
    path: Path
    position: Position
    operator: str
    occurrence: int


class Verdict(NamedTuple):
    mutant: Mutant
    survived: bool
    change: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", metavar="room", help=f"of {', '.join(ROOMS)}; all by default")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to go on (10)")
    parser.add_argument("--most", type=int, default=sys.maxsize, help="how many mutants to test at most")
    parser.add_argument("--seed", default="1", help="draws the mutants (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time (one per processor)")
    parser.add_argument("--thorough", action="store_true", help="run all tests of the core on what survives its room's")
    options = parser.parse_args()
    rooms: list[str] = options.rooms or list(ROOMS)
    if unknown := set(rooms) - set(ROOMS):
        parser.error(f"no such room: {', '.join(sorted(unknown))}")
    if not hasattr(os, "fork"):
        sys.exit("mutants are tested in forks, which this system has not")
    if importlib.util.find_spec("cosmic_ray") is None:
        python = ensure("mutants", REQUIREMENTS / "mutants.txt")
        return 0 if step("mutants", [python, Path(__file__).resolve(), *sys.argv[1:]]) else 1

    python = ensure_with_wheel("test-{}.{}".format(*sys.version_info), REQUIREMENTS / "test.txt")
    drawn = [mutant for room in rooms for mutant in mutants(room, options.seed)]
    random.Random(options.seed).shuffle(drawn)  # noqa: S311 - not a secret
    print(f"{len(drawn)} places to make a mistake in", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
        laboratory = Laboratory(python, folder, options.jobs, thorough=options.thorough)
        stack.callback(laboratory.close)
        if not laboratory.calibrate(rooms):
            return 1
        laboratory.ends = time.monotonic() + 60 * options.minutes
        pool = stack.enter_context(ThreadPoolExecutor(options.jobs))
        found = list(filter(None, pool.map(laboratory.test, drawn[: options.most])))
    report(found)
    return 0


def report(verdicts: list[Verdict]) -> None:
    for verdict in sorted(verdicts):
        if verdict.survived:
            path, (line, _) = verdict.mutant.path, verdict.mutant.position
            print(f"\nsurvived: src/{path.as_posix()}:{line} ({verdict.mutant.operator})\n{verdict.change}")
    print()
    for room, of_room in groupby(sorted(verdicts), lambda verdict: verdict.mutant.room):
        print(_score(room, list(of_room)))
    print(_score("all", verdicts), flush=True)


def _score(room: str, verdicts: list[Verdict]) -> str:
    killed = sum(not verdict.survived for verdict in verdicts)
    return f"{room:10} {killed} of {len(verdicts)} killed: {100 * killed / max(1, len(verdicts)):.0f} %"


# --- which mistakes there are


def mutants(room: str, seed: str) -> Iterator[Mutant]:
    """One mistake for each place in a room, of those that can be made there drawn by the seed."""
    chance = random.Random(f"{seed} {room}")  # noqa: S311 - not a secret
    home = SRC / CORE / room
    for module in sorted(home.rglob("*.py")) if home.is_dir() else [home]:
        path, source = module.relative_to(SRC), module.read_text(encoding="utf-8")
        pointless = list(_without_effect(ast.parse(source)))
        possible = sorted(
            Mutant(room, path, start, operator, occurrence)
            for operator, occurrence, start in _possible(source)
            if not any(begin <= start < end for begin, end in pointless)
        )
        for _, here in groupby(possible, lambda mutant: mutant.position):
            yield chance.choice(list(here))


def _possible(source: str) -> Iterator[tuple[str, int, Position]]:
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    tree = get_ast(source)
    for name in (*operator_names(), LeaveOut.NAME):
        kind = LeaveOut if name == LeaveOut.NAME else get_operator(name)
        if name.endswith("/NoOp") or kind.arguments():
            continue
        places = (place for node in ast_nodes(tree) for place in kind().mutation_positions(node))
        for occurrence, (start, _) in enumerate(places):
            yield name, occurrence, start


def _without_effect(tree: ast.Module) -> Iterator[tuple[Position, Position]]:
    """Where a mistake changes nothing that runs: annotations, what is for type checkers, and their decorators."""
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.expr() as annotation):
                yield _extent(annotation)
            case ast.If(test=ast.Name("TYPE_CHECKING") | ast.UnaryOp(operand=ast.Name("TYPE_CHECKING"))):
                yield _extent(node)
            case (
                ast.FunctionDef(returns=ast.expr() as annotation)
                | ast.AsyncFunctionDef(returns=ast.expr() as annotation)
            ):
                yield _extent(annotation)
            case _:
                pass
        for decorator in getattr(node, "decorator_list", ()):
            if ast.unparse(decorator) in ("final", "overload", "override", "runtime_checkable"):
                (line, column), end = _extent(decorator)
                yield (line, column - 1), end  # with its @


def _extent(node: ast.expr | ast.stmt) -> tuple[Position, Position]:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def mutated(mutant: Mutant) -> str:
    """The module with the mistake in it."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    kind = LeaveOut if mutant.operator == LeaveOut.NAME else get_operator(mutant.operator)
    code: str = mutate_code((SRC / mutant.path).read_text(encoding="utf-8"), kind(), mutant.occurrence)
    return code


class LeaveOut:
    """Leaves out a call whose value nobody takes, or a change of an attribute or item: an operator as Cosmic Ray's."""

    NAME = "leave out"

    @classmethod
    def arguments(cls) -> tuple[()]:
        return ()

    def mutation_positions(self, node: object) -> Iterator[tuple[Position, Position]]:
        if getattr(node, "type", None) == "simple_stmt":
            statement = node.children[0]  # type: ignore[attr-defined]  # parso's nodes have no types
            assigns = statement.type == "expr_stmt" and statement.children[0].type == "atom_expr"
            if assigns or (statement.type == "atom_expr" and str(statement.get_code()).rstrip().endswith(")")):
                yield statement.start_pos, statement.end_pos

    def mutate(self, node: object, index: int) -> object:  # noqa: ARG002 - there is one place in a statement
        from parso.python.tree import Name

        statement = node.children[0]  # type: ignore[attr-defined]
        nothing = Name("None", statement.start_pos, prefix=statement.get_first_leaf().prefix)
        nothing.parent = node
        node.children[0] = nothing  # type: ignore[attr-defined]
        return node


# --- testing them


class Laboratory:
    """Benches with a copy of the packages each, one for each mutant that is tested at a time.

    Attributes:
        ends: when to begin no more.
    """

    def __init__(self, python: Path, folder: Path, jobs: int, *, thorough: bool) -> None:
        self.ends = float("inf")
        self._thorough = thorough
        self._seconds: dict[str, float] = {}
        self._free = [Bench(python, folder / str(number)) for number in range(jobs)]

    def calibrate(self, rooms: Iterable[str]) -> bool:
        """Run the tests on what has no mistake, which says how long they may take on what has one."""
        bench = self._free[0]
        for room in rooms:
            bench.passes(_files(room), seconds=600)  # what is compiled once is compiled now
            started = time.monotonic()
            if not bench.passes(_files(room), seconds=600):
                print(f"the tests of {room} fail without any mistake: {' '.join(_files(room))}")
                return False
            took = time.monotonic() - started
            self._seconds[room] = 20 + 5 * took
            print(f"{room:10} {took:.1f} s for its tests", flush=True)
        return True

    def test(self, mutant: Mutant) -> Verdict | None:
        """Whether it survives; None if there is no more time, or if it is no Python."""
        if time.monotonic() > self.ends:
            return None
        original, changed = (SRC / mutant.path).read_text(encoding="utf-8"), mutated(mutant)
        if not _compiles(changed):
            return None
        bench = self._free.pop()
        try:
            bench.write(mutant.path, changed)
            survived = bench.passes(_files(mutant.room), self._seconds[mutant.room])
            if survived and self._thorough:
                survived = bench.passes([str(TESTS)], seconds=600)
        finally:
            bench.write(mutant.path, original)
            self._free.append(bench)
        return Verdict(mutant, survived, _change(original, changed))

    def close(self) -> None:
        for bench in self._free:
            bench.close()


class Bench:
    """A copy of the packages, and a process that runs tests on it: each time in a fork, which need not load pytest."""

    _PROGRAM = """
import json, os, signal, sys
import anyio, h11, hypothesis, numpy, pandas, PIL.Image, pytest
for line in sys.stdin:
    seconds, arguments = json.loads(line)
    pid = os.fork()
    if not pid:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
        signal.setitimer(signal.ITIMER_REAL, seconds)  # whose signal ends the process
        os._exit(pytest.main(arguments))
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
    _OPTIONS = (
        "-qx", "-p", "no:cacheprovider", "--disable-socket", "--hypothesis-seed=0",
        "-W", "ignore::pytest.PytestAssertRewriteWarning",  # plugins are loaded before pytest looks at them
    )  # fmt: skip

    def __init__(self, python: Path, copy: Path) -> None:
        shutil.copytree(SRC, copy, ignore=shutil.ignore_patterns("__pycache__"))
        self._copy = copy
        environ = {**os.environ, "PYTHONPATH": str(copy), "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / "hypothesis")}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        self._process = subprocess.Popen(
            [python, "-c", self._PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environ,
        )

    def write(self, module: Path, source: str) -> None:
        path = self._copy / module
        path.write_text(source, encoding="utf-8")
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):  # its time and size may be the same
            compiled.unlink()

    def passes(self, tests: list[str], seconds: float) -> bool:
        """Whether the tests pass on the copy; tests that take too long don't."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([seconds, [*self._OPTIONS, *tests]]) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        if code in (4, 5):  # of pytest: it was not called as it should be, or found nothing
            raise RuntimeError(f"pytest {' '.join(tests)} ended with {code}")
        return code == 0

    def close(self) -> None:
        self._process.communicate()  # which closes its input, and so ends it


def _files(room: str) -> list[str]:
    return [str(TESTS / f"test_{name}.py") for name in ROOMS[room]]


def _change(original: str, changed: str) -> str:
    """The lines that differ."""
    lines = difflib.unified_diff(original.splitlines(), changed.splitlines(), n=0, lineterm="")
    return "\n".join(f"    {line}" for line in lines if not line.startswith(("---", "+++", "@@")))


if __name__ == "__main__":
    sys.exit(main())
