"""The scenarios: what is measured, the contenders, the amount of work, and the targets."""

from __future__ import annotations

from typing import NamedTuple

ENVIRONMENTS = {"niquests": "niquests", "httpr": "rust", "pyreqwest": "rust", "wreq": "rust"}
"""The contenders that run in another environment than the rest: their names, and that of the environment."""
BEFORE = " before"
"""Ends the name of a contender of ours that is installed from another wheel, in an environment named ``before``."""
ALIKE = ("asyncio-1", "records-1000")
"""Scenarios that run the code of another one with other numbers: a quick run leaves them out unless they are named."""
NOT_INSTALLED = 3
"""The exit code of a measurement whose contender is not in its environment."""
WAITS = "waits"
"""The last argument of a measurement that waits for the others when it is warm."""
OURS = ("bento_", "bento-client")
"""What the names of our own contenders begin with."""


class Target(NamedTuple):
    """An upper bound on a figure of one contender, relative to another one.

    Attributes:
        contender: the contender to judge.
        other: the contender that it is divided by; None if the bound is absolute.
        at_most: the bound: a ratio, or a figure in its own unit.
        of: the figure.
        scenario: where the other contender is measured, if it is another scenario.
    """

    contender: str
    other: str | None
    at_most: float
    of: str = "cpu"
    scenario: str | None = None


class Scenario(NamedTuple):
    """One kind of work.

    Attributes:
        title: what is done, and for which unit of work the figures are.
        contenders: their names.
        amount: the work of one measurement in seconds, items, MiB or times; the second value is for a quick run.
        targets: the upper bounds.
        shown: the figures of its table. The first one sorts it.
        allocators: measure a second time with the thresholds of the C library's allocator pinned.
        reference: the contender that the table divides the others by.
        may_fail: peers that sometimes fail. The run reports this and succeeds.
        secure: use https.
        is_timed: the amount is in seconds, so that contenders can be measured at the same time.
    """

    title: str
    contenders: tuple[str, ...]
    amount: tuple[float, float]
    targets: tuple[Target, ...] = ()
    shown: tuple[str, ...] = ("cpu", "wall", "memory")
    allocators: bool = False
    reference: str = "bentoml"
    may_fail: tuple[str, ...] = ()
    secure: bool = False
    is_timed: bool = False


_RUST = ("httpr", "pyreqwest", "wreq")
_ASYNC = ("bento_async", "aiohttp", "niquests", "httpx", "httpx2", *_RUST, "bentoml", "bentoml (aiohttp)")
_TRANSFER = ("bento_sync", "bento_async", "urllib3", "requests", "httpx", "aiohttp", "bentoml", "bentoml async")
_STREAM = ("bento_sync", "bento_async", "http.client", "urllib3", "httpx", "aiohttp", "bentoml", "bentoml async")


def _faster(times: float) -> tuple[Target, ...]:
    return (
        Target("bento_sync", "bentoml", 1 / times),
        Target("bento_async", "bentoml async", 1 / times),
    )


SCENARIOS: dict[str, Scenario] = {
    "call": Scenario(
        "Small JSON call, sync, one thread; a call",
        (
            "raw socket", "bento_sync", "http.client", "urllib3", "requests", "niquests", "httpx", "httpx2", *_RUST,
            "bentoml",
        ),
        (0.5, 0.05),
        (
            Target("bento_sync", "urllib3", 0.40),
            Target("bento_sync", "bentoml", 0.20),
            Target("bento_sync", "raw socket", 2.2),
        ),
        is_timed=True,
    ),
    "threads": Scenario(
        "Small JSON call, 64 threads on one client; a call",
        ("bento_sync", "urllib3", "bentoml"),
        (0.5, 0.05),
        (Target("bento_sync", "bento_sync", 1.5, "cpu", "call"),),
        is_timed=True,
    ),
    "asyncio-1": Scenario(
        "Small JSON call, asyncio, one at a time; a call",
        ("raw asyncio", *_ASYNC),
        (0.5, 0.05),
        (Target("bento_async", "aiohttp", 0.70),),
        ("cpu", "wall", "faults"),
        allocators=True,
        is_timed=True,
    ),
    "asyncio-64": Scenario(
        "Small JSON call, asyncio, 64 at a time; a call",
        ("raw asyncio", *_ASYNC),
        (0.5, 0.05),
        (Target("bento_async", "aiohttp", 0.70), Target("bento_async", "bentoml", 0.08)),
        ("cpu", "wall", "faults"),
        allocators=True,
        is_timed=True,
    ),
    "asyncio-1000": Scenario(
        "Small JSON call, asyncio, 1,000 at a time; a call",
        ("bento_async", "aiohttp"),
        (1.0, 0.1),
        (Target("bento_async", "bento_async", 1.3, "cpu", "asyncio-64"),),
        ("cpu", "wall", "faults"),
        reference="aiohttp",
        is_timed=True,
    ),
    "https-64": Scenario(
        "Small JSON call over TLS, asyncio, 64 at a time; a call",
        ("raw asyncio", "bento_async", "aiohttp", "httpx", "httpx2", "bentoml"),
        (0.5, 0.05),
        (Target("bento_async", "aiohttp", 0.85),),
        ("cpu", "wall", "faults"),
        allocators=True,
        reference="aiohttp",
        secure=True,
        is_timed=True,
    ),
    "trio-64": Scenario(
        "Small JSON call, trio, 64 at a time; a call",
        ("raw trio", "bento_async", "httpx", "httpx2"),
        (0.5, 0.05),
        (Target("bento_async", "httpx", 0.08), Target("bento_async", "bento_async", 1.5, "cpu", "asyncio-64")),
        ("cpu", "wall"),
        reference="httpx",
        is_timed=True,
    ),
    "load": Scenario(
        "100,000 calls, 1,000 at a time (64 threads), and 10,000 streams, 200 at a time, on one client; a call",
        ("bento_sync", "bento_async"),
        (100_000, 1_000),
        (Target("bento_sync", None, 2 << 20, "memory"), Target("bento_async", None, 2 << 20, "memory")),
        reference="bento_sync",
    ),
    "words": Scenario("Stream of 10,000 texts that are already there; an item", _STREAM, (10_000, 500), _faster(5)),
    "blobs": Scenario("Stream of 10,000 bytes that are already there; an item", _STREAM, (10_000, 500), _faster(5)),
    "records": Scenario(
        "Stream of 10,000 JSON items that are already there; an item",
        _STREAM,
        (10_000, 500),
        _faster(3),
        may_fail=("bentoml", "bentoml async"),  # they decode each read by itself: it must not end within an item
    ),
    "records-1000": Scenario(
        "Stream of 1,000 JSON items, which may arrive in one read; an item",
        _STREAM,
        (1_000, 500),
        _faster(3),
        may_fail=("bentoml", "bentoml async"),
    ),
    "first": Scenario(
        "First item of a stream (wall: its delay)",
        _STREAM,
        (100, 5),
        (
            Target("bento_sync", "bentoml", 0.6, "wall"),
            Target("bento_async", "bentoml async", 0.6, "wall"),
            Target("bento_sync", "http.client", 1.3, "wall"),
        ),
        ("wall", "cpu"),
    ),
    "upload": Scenario(
        "Upload of 256 MiB, multipart",
        (*_TRANSFER, "http.client"),
        (256, 8),
        (
            Target("bento_sync", "bentoml", 0.8),
            Target("bento_async", "bentoml async", 0.8),
            Target("bento_sync", None, 2 << 20, "memory"),
            Target("bento_async", None, 2 << 20, "memory"),
        ),
    ),
    "download": Scenario(
        "Download of 256 MiB to a file",
        ("raw socket", *_TRANSFER),
        (256, 8),
        (
            Target("bento_sync", "bentoml", 0.08),
            Target("bento_async", "bentoml async", 0.08),
            Target("bento_sync", None, 2 << 20, "memory"),
            Target("bento_async", None, 2 << 20, "memory"),
        ),
    ),
    "https-download": Scenario(
        "Download of 200 MiB over TLS to a file",
        ("raw socket", "bento_sync", "bento_async", "bento_async, trio", "urllib3", "httpx", "aiohttp"),
        (200, 8),
        (
            Target("bento_async", "aiohttp", 1.1),
            Target("bento_async, trio", "aiohttp", 1.1),
            Target("bento_async", None, 2 << 20, "memory"),
        ),
        reference="aiohttp",
        secure=True,
    ),
    "tensor": Scenario(
        "Tensor 1x3x224x224, NumPy in and out; a call",
        ("bento_sync", "bento_sync, speed", "json by hand", "orjson by hand", "bentoml"),
        (3, 1),
        (Target("bento_sync", "json by hand", 1.05), Target("bento_sync, speed", "bentoml", 0.16)),
    ),
    "process": Scenario(
        "One process, from its start to the first response",
        (
            "bento_sync", "bento_sync, schema given", "bento_async", "http.client", "urllib3", "requests", "httpx",
            "httpx2", "aiohttp", "bentoml",
        ),
        (3, 1),
        (Target("bento_sync", "bentoml", 0.12), Target("bento_sync", "urllib3", 1.2)),
    ),
    "import": Scenario(
        "Import, beyond bare Python",
        (
            "bento_proto", "bento_sync", "bento_async", "urllib3", "anyio and h11", "requests", "httpx", "httpx2",
            "aiohttp", "bentoml, its clients",
        ),
        (3, 1),
        (
            Target("bento_proto", None, 12_000),
            Target("bento_sync", "urllib3", 1.15),
            Target("bento_async", "anyio and h11", 1.15),
        ),
        reference="bentoml, its clients",
    ),
    "size": Scenario(
        "Installed size, without bytecode",
        ("bento-client", "urllib3", "requests", "httpx", "httpx2", "aiohttp", "bentoml"),
        (1, 1),
        shown=("size", "packages"),
    ),
}  # fmt: skip


def is_ours(contender: str) -> bool:
    """Tell whether a contender is one of this project's clients."""
    return contender.startswith(OURS)
