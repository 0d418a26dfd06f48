"""The cost of a fresh process, from its start to the first response; of imports; and the size of an installation.

A contender is a program that makes one small call, an import statement, or the name of a distribution.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import NamedTuple

from benchmarks.work import ARGUMENTS

_CALL = f"**{ARGUMENTS!r}"
_JSON = f"url + '/classify', json={ARGUMENTS!r}"
_ASYNC = "import asyncio, sys; url = sys.argv[1]\nasync def main():\n    {}\nasyncio.run(main())"

ONE_SHOTS = {
    "bento_sync": f"from bento_sync import SyncHTTPClient; SyncHTTPClient(url).classify({_CALL})",
    "bento_sync, schema given": (
        "from benchmarks.work import SCHEMA; from bento_sync import SyncHTTPClient\n"
        f"SyncHTTPClient(url, schema=SCHEMA, server_ready_timeout=0).classify({_CALL})"
    ),
    "bento_async": _ASYNC.format(
        f"from bento_async import AsyncHTTPClient; await AsyncHTTPClient(url).classify({_CALL})"
    ),
    "http.client": (
        "import http.client, json; from urllib.parse import urlsplit\n"
        "connection = http.client.HTTPConnection(urlsplit(url).netloc)\n"
        f"connection.request('POST', '/classify', json.dumps({ARGUMENTS!r}), {{'content-type': 'application/json'}})\n"
        "json.loads(connection.getresponse().read())"
    ),
    "urllib3": f"import urllib3; urllib3.request('POST', {_JSON}).json()",
    "requests": f"import requests; requests.post({_JSON}).json()",
    "httpx": f"import httpx; httpx.post({_JSON}).json()",
    "httpx2": f"import httpx2; httpx2.post({_JSON}).json()",
    "aiohttp": _ASYNC.format(
        "import aiohttp\n    async with aiohttp.ClientSession() as session:\n"
        f"        async with session.post({_JSON}) as answer: await answer.json()"
    ),
    "bentoml": f"import bentoml; bentoml.SyncHTTPClient(url).classify({_CALL})",
}

# Our packages load their names lazily: `import bento_sync` alone would load next to nothing.
IMPORTS = {
    "bento_proto": "from bento_proto import Session",
    "bento_sync": "from bento_sync import SyncHTTPClient",
    "bento_async": "from bento_async import AsyncHTTPClient",
    "urllib3": "import urllib3",
    "anyio and h11": "import anyio, h11",
    "requests": "import requests",
    "httpx": "import httpx",
    "httpx2": "import httpx2",
    "aiohttp": "import aiohttp",
    "bentoml, its clients": "import bentoml, _bentoml_impl.client",
}

DISTRIBUTIONS = ("bento-client", "urllib3", "requests", "httpx", "httpx2", "aiohttp", "bentoml")


class Spent(NamedTuple):
    """CPU and wall time of a process in microseconds, and its peak memory in bytes."""

    cpu: float
    wall: float
    memory: float


def program(name: str) -> str:
    """Return a contender's program. Its argument is the server's URL."""
    text = ONE_SHOTS[name]
    return text if text.startswith("import asyncio") else f"import sys; url = sys.argv[1]\n{text}"


def one_shot(name: str, url: str, times: int) -> Spent:
    """Run a contender's program several times; return the medians, from start to exit."""
    return _median([_run([program(name), url]) for _ in range(times)])


def importing(name: str, times: int) -> Spent:
    """Return the median cost of a contender's import beyond that of a bare interpreter."""
    found: list[Spent] = []
    for _ in range(times):
        bare, whole = _run(["pass"]), _run([IMPORTS[name]])
        found.append(Spent(*(after - before for before, after in zip(bare, whole, strict=True))))
    return _median(found)


def _median(found: Sequence[Spent]) -> Spent:
    return Spent(*map(statistics.median, zip(*found, strict=True)))


def _run(arguments: Sequence[str]) -> Spent:
    import os

    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", *arguments])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"{arguments[0]} ended with {process.returncode}")
    return Spent((used.ru_utime + used.ru_stime) * 1e6, wall * 1e6, used.ru_maxrss * 1024)


def installed(name: str) -> tuple[int, int]:
    """Return the size of a distribution and its requirements in bytes, without bytecode, and their number."""
    found: dict[str, Distribution] = {}
    pending = [name]
    while pending:
        try:
            dist = distribution(pending.pop())
        except PackageNotFoundError:  # a requirement on other systems or Pythons
            continue
        if dist.name.lower() not in found:
            found[dist.name.lower()] = dist
            pending += [_project(each) for each in dist.requires or () if _applies(each)]
    size = sum(file.size or 0 for dist in found.values() for file in dist.files or () if file.suffix != ".pyc")
    return size, len(found)


def _project(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return match[0]


def _applies(requirement: str) -> bool:
    """Tell whether a requirement applies here, without extras."""
    from packaging.requirements import Requirement

    marker = Requirement(requirement).marker
    return marker is None or marker.evaluate({"extra": ""})
