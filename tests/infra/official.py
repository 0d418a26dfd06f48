"""BentoML's own clients under load: a program for the environment that BentoML is in.

    python official.py sync|asyncio URL WORKERS SECONDS PREFIX

calls the endpoint ``echo`` from so many threads or tasks for so long, each time with another text. It prints a line
when it begins, and at the end, as JSON, which texts were sent and what became of how many.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import bentoml  # type: ignore[import-not-found]  # it is not in the environment of the checks

kind, url, workers, seconds, prefix = sys.argv[1:]
sent: list[str] = []
outcomes: Counter[str] = Counter()


def noted(text: str, value: object) -> None:
    outcomes["right" if value == text else f"wrong {value!r}"] += 1


def begun() -> float:
    """When to end."""
    print("begun", flush=True)
    return time.monotonic() + float(seconds)


def threads() -> None:
    with bentoml.SyncHTTPClient(url) as client:
        client.echo(text="first")
        ends = begun()

        def call_all(number: int) -> None:
            for n in range(1_000_000):
                if time.monotonic() > ends:
                    return
                text = f"{prefix}-{number}-{n}"
                sent.append(text)
                try:
                    noted(text, client.echo(text=text))
                except Exception as error:  # noqa: BLE001 - whatever it raises is counted
                    outcomes[type(error).__name__] += 1

        with ThreadPoolExecutor(int(workers)) as pool:
            list(pool.map(call_all, range(int(workers))))


async def tasks() -> None:
    async with bentoml.AsyncHTTPClient(url) as client:
        await client.echo(text="first")
        ends = begun()

        async def call_all(number: int) -> None:
            for n in range(1_000_000):
                if time.monotonic() > ends:
                    return
                text = f"{prefix}-{number}-{n}"
                sent.append(text)
                try:
                    noted(text, await client.echo(text=text))
                except Exception as error:  # noqa: BLE001 - whatever it raises is counted
                    outcomes[type(error).__name__] += 1

        await asyncio.gather(*(call_all(number) for number in range(int(workers))))


if kind == "sync":
    threads()
else:
    asyncio.run(tasks())
print(json.dumps({"sent": sent, "outcomes": outcomes}))
