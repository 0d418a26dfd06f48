"""Every kind of argument, result, stream and error, under each version of BentoML."""

from __future__ import annotations

import pytest

from bento_sync import SyncHTTPClient

from .cases import ARRAYS, ERRORS, FILES, STREAMS, VALUES, Case
from .plain import outcome

pytestmark = pytest.mark.compat

CASES = [
    pytest.param(case, id=f"{kind}: {name}")
    for kind, cases in (("value", VALUES), ("array", ARRAYS), ("file", FILES), ("stream", STREAMS), ("error", ERRORS))
    for name, case in cases.items()
]


@pytest.mark.parametrize("case", CASES)
def test_a_call_gives(zoo: SyncHTTPClient, version: str, case: Case) -> None:
    but = case.but.get(version)
    assert outcome(lambda: case.call(zoo)) == (but.gives if but else case.gives)
