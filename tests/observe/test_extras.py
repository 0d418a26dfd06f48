"""The error when an extra is not installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from bento_client.observe import rich_progress, tqdm_progress, tracing
from bento_proto.exchange import OnProgress


@pytest.mark.parametrize(
    ("make", "module", "extra"),
    [(rich_progress, "rich.progress", "rich"), (tqdm_progress, "tqdm.auto", "tqdm")],
)
def test_bars(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], AbstractContextManager[OnProgress]], module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"pip install 'bento-client\[{extra}\]'"), make():
        pass


def test_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match=r"pip install 'bento-client\[otel\]'"):
        tracing()
