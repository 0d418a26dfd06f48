"""The public names of BentoML's own clients: each is here too, or the migration guide names it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

import bento_async
import bento_proto
import bento_sync
from bento_proto import Endpoint
from services import find_server

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "migrating.md"
LIST = """
import inspect, json, warnings
warnings.simplefilter("ignore")
import attr
from bentoml import AsyncHTTPClient, SyncHTTPClient, exceptions
from _bentoml_impl.client.base import ClientEndpoint, map_exception
from _bentoml_impl.client.task import AsyncTask, Task

def public(cls):
    fields = {field.name for field in attr.fields(cls)} if attr.has(cls) else set()
    return sorted(name for name in {*dir(cls), *fields} if not name.startswith("_"))

found = {cls.__name__: public(cls) for cls in (SyncHTTPClient, AsyncHTTPClient, ClientEndpoint, Task, AsyncTask)}
for cls in (SyncHTTPClient, AsyncHTTPClient):
    found[f"{cls.__name__}()"] = list(inspect.signature(cls.__init__).parameters)[1:]
found["BentoMLException"] = sorted(set(public(exceptions.BentoMLException)) - set(dir(Exception)))
found["exceptions"] = sorted(cls.__name__ for cls in exceptions.BentoMLException.error_mapping.values())
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def surface() -> Any:
    said = subprocess.run([find_server(), "-c", LIST], check=True, capture_output=True, text=True, timeout=120).stdout
    return json.loads(said.splitlines()[-1])


OURS: dict[str, object] = {
    "SyncHTTPClient": bento_sync.SyncHTTPClient,
    "AsyncHTTPClient": bento_async.AsyncHTTPClient,
    "Task": bento_sync.Task("id", bento_sync.SyncHTTPClient("http://h", schema=b'{"routes": [], "name": "S"}')),  # type: ignore[arg-type]
    "AsyncTask": bento_async.AsyncTask("id", bento_async.AsyncHTTPClient("http://h")),  # type: ignore[arg-type]
    "ClientEndpoint": Endpoint,
    "BentoMLException": bento_proto.BentoMLException("x"),
    "exceptions": bento_proto,
}


@pytest.mark.parametrize("name", OURS)
def test_each_public_name_is_here_or_in_the_guide(surface: Any, name: str) -> None:
    documented = set(re.findall(r"`[\w.\[\]\"()]*?(\w+)`", GUIDE.read_text(encoding="utf-8")))
    missing = [attribute for attribute in surface[name] if attribute not in dir(OURS[name])]
    assert surface[name]
    assert sorted(set(missing) - documented) == []


@pytest.mark.parametrize("client", [bento_sync.SyncHTTPClient, bento_async.AsyncHTTPClient])
def test_each_argument_of_a_client_is_here_or_named_in_the_error(surface: Any, client: type) -> None:
    given = surface[f"{client.__name__}()"]
    assert {"url", "token", "timeout", "server_ready_timeout"} <= set(given)
    for name in given:
        try:
            client(**{"url": "http://h", name: "http://h" if name == "url" else None})
        except TypeError as exc:
            assert "; here that is" in str(exc), name  # noqa: PT017
