"""Services that are not ready: until told so, until some time has passed, or under another path than they say.

What a class is for stands in a comment throughout: a docstring would become the description in its schema.
"""

from __future__ import annotations

import os
import time

import bentoml


# Neither ready nor alive until ``flip`` says so; its endpoints answer all the same.
@bentoml.service(name="ZooNotReady")
class ZooNotReady:
    ready = False

    async def __is_ready__(self) -> bool:
        return self.ready

    def __is_alive__(self) -> bool:
        return self.ready

    @bentoml.api
    def echo(self, text: str = "hi") -> str:
        return text

    @bentoml.api
    def flip(self, to: bool = True) -> bool:
        self.ready = to
        return to


# Starting takes ZOO_SLOW_INIT seconds; it is ready ZOO_SLOW_READY seconds after it began to start.
@bentoml.service(name="ZooSlowStart")
class ZooSlowStart:
    def __init__(self) -> None:
        self.started = time.monotonic()
        time.sleep(float(os.environ.get("ZOO_SLOW_INIT", "3")))

    async def __is_ready__(self) -> bool:
        return time.monotonic() - self.started > float(os.environ.get("ZOO_SLOW_READY", "6"))

    @bentoml.api
    def echo(self, text: str = "hi") -> str:
        return text


# It names other paths for readiness, which BentoML 1.4 doesn't serve: they stay at /readyz and /livez.
@bentoml.service(name="ZooReadyPath", endpoints={"readyz": "/my/readyz", "livez": "/my/livez"})
class ZooReadyPath:
    @bentoml.api
    def echo(self, text: str = "hi") -> str:
        return text
