"""Programs written for BentoML's clients do the same with ours, where they work with BentoML's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bento_client import AsyncHTTPClient, SyncHTTPClient
from services import find_server
from tests.servers import Servers

from . import programs


class Other(NamedTuple):
    """What comes of a program here, where BentoML's client gives something else."""

    gives: object
    why: str


LISTS_OF_IMAGES = "BentoML's client takes no PIL.Image in a list"
FILES_BESIDE_MODELS = "BentoML's client sends no array or model beside a file"
OPEN_FILES = "BentoML's client asserts that an image is one of Pillow's or a path"
SYNC_TASKS = "BentoML 1.4.39 submits no task with the sync client: it looks for an attribute that is not there"

DIFFERENT = {
    "images as images": Other(["array", "int64", [[3, 2], [1, 1]]], LISTS_OF_IMAGES),
    "image, array, model": Other(["image", "RGB", [50, 2], [255, 0, 0]], FILES_BESIDE_MODELS),
    "image and default model": Other(["image", "RGB", [50, 4], [255, 0, 0]], FILES_BESIDE_MODELS),
    "an image from a web form": Other("RGB (3, 2)", OPEN_FILES),
    "an open file": Other("RGB (3, 2)", OPEN_FILES),
    "a wrong shape": Other(["raises", "InvalidArgument", 400], "BentoML's client raises ValueError for it"),
    "an image task": Other(["image", "L", [3, 2], 0], SYNC_TASKS),
    "a task by default": Other("A report on LLM Agent", SYNC_TASKS),
    "a task by name": Other(["Who? http://example.com", "q u", True, "comp"], SYNC_TASKS),
    "a task with aliases": Other({"instances": [{"bounding_box": "b/p", "class_": "1"}]}, SYNC_TASKS),
    "parameters of a method": Other(["amount", "hour", "num_tx_past_day"], "methods have signatures"),
    "the name of a method": Other("predict", "methods have names"),
}


@pytest.fixture(scope="module")
def url(servers: Servers) -> str:
    return servers.url("projects:Projects")


@pytest.fixture(scope="module")
def ours(url: str) -> dict[str, Any]:
    return programs.run(lambda: SyncHTTPClient(url), lambda: AsyncHTTPClient(url))


@pytest.fixture(scope="module")
def theirs(url: str) -> dict[str, Any]:
    command: list[str | Path] = [find_server(), "-W", "ignore", programs.__file__, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", [*programs.SYNC, *(f"async {name}" for name in programs.ASYNC)])
def test_the_outcome_is_that_of_bentomls_client(ours: dict[str, Any], theirs: dict[str, Any], name: str) -> None:
    other = DIFFERENT.get(name)
    if other is None:
        assert ours[name] == theirs[name]
    else:
        assert ours[name] == other.gives
        assert theirs[name] != other.gives, "the same by now: it need not be listed"


def test_what_is_different_is_a_program() -> None:
    assert set(DIFFERENT) <= set(programs.SYNC)
