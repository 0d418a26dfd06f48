"""What a notebook shows of results: every text is escaped, and nothing is asked."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable
from types import SimpleNamespace

import pytest

from bento_proto import Head, Response, ResultStatus
from bento_proto.batch import BaseBatch, BatchState
from bento_proto.html import card, image_html, value_html
from bento_proto.session import BaseTask, ShownStream

from .test_base_client import Method

PNG = b"\x89PNG\r\n\x1a\n..."
EVIL = "<script>alert(1)</script>\x1b[2J"


def html(shown: object) -> str:
    """What IPython's display asks for."""
    found: str = getattr(shown, "_repr_html_")()  # noqa: B009
    return found


class Picture:
    def _repr_png_(self) -> bytes:
        return PNG


class Table:
    def _repr_html_(self) -> str:
        return "<table></table>"


class Neither:
    def _repr_html_(self) -> None: ...

    def _repr_png_(self) -> None: ...

    def __repr__(self) -> str:
        return "neither & nor"


def test_a_card_escapes_its_texts() -> None:
    found = card(EVIL, "", EVIL, "a\nb", body="<hr>")
    assert found == (
        "<p><b>&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[2J</b>"
        " <code>&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[2J</code> <code>a b</code></p><hr>"
    )


def test_values_that_show_themselves_do() -> None:
    assert value_html(Table()) == "<table></table>"
    assert f'src="data:image/png;base64,{base64.b64encode(PNG).decode()}"' in value_html(Picture())
    assert value_html(Neither()) == "<pre>neither &amp; nor</pre>"
    assert value_html(Table).startswith("<pre>&lt;class ")


def test_others_are_their_repr_escaped_and_cut() -> None:
    assert value_html(EVIL).startswith("<pre>&#x27;&lt;script&gt;alert(1)&lt;/script&gt;")
    assert value_html("x" * 2000) == f"<pre>&#x27;{'x' * 999}...</pre>"
    assert value_html({"a": [1, 2]}) == "<pre>{&#x27;a&#x27;: [1, 2]}</pre>"


def test_the_displays_that_ipython_knows_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    formatters = {"text/html": lambda value: "<i>registered</i>" if value == 1 else None, "image/png": lambda _: None}
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters=formatters))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert value_html(1) == "<i>registered</i>"
    assert value_html(2) == "<pre>2</pre>"
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert value_html(1) == "<pre>1</pre>"


def test_an_image_is_a_source_and_no_part_of_the_page() -> None:
    found = image_html("image/svg+xml", b"<svg onload='alert(1)'/>")
    assert found.startswith('<img src="data:image/svg+xml;base64,')
    assert "<svg" not in found


def test_a_response_shows_its_status_and_value() -> None:
    assert html(Response(Head(200, ()), 7)) == "<p><b>200 OK</b> <code>0 s</code></p><pre>7</pre>"
    head = Head(299, (("x-bentoml-request-id", "<4711>"),))
    response = Response(head, Table())
    response.attempts, response.elapsed = ("connection lost",), 1.2345
    assert html(response) == (
        "<p><b>299</b> <code>1.23 s</code> <code>attempt 2</code> <code>&lt;4711&gt;</code></p><table></table>"
    )


def test_a_task_shows_the_status_that_it_last_had() -> None:
    task: BaseTask[object, object, object, object] = BaseTask("<t1>", Method())
    assert "<b>BaseTask of job</b> <code>submitted</code> <code>&lt;t1&gt;</code>" in html(task)
    task.last_status = ResultStatus.COMPLETED
    assert repr(task).endswith(": completed>")
    task.last_status = ResultStatus.IN_PROGRESS
    assert repr(task).endswith(": result() waits for it>")
    assert "<code>in_progress</code>" in html(task)


class Stream(ShownStream):
    def __repr__(self) -> str:
        return "<Stream from /<b>: iterate over it>"


def test_a_stream_shows_where_it_comes_from() -> None:
    assert html(Stream()) == "<p><b>Stream</b> <code>from /&lt;b&gt;: iterate over it</code></p>"


class Batch(BaseBatch):
    def __init__(self, inputs: Iterable[object]) -> None:
        self._state = BatchState(inputs)

    def _shown(self) -> tuple[BatchState, str]:
        return self._state, "iterate over it"


def test_a_batch_shows_how_far_it_is() -> None:
    batch = Batch([1, 2, 3])
    assert repr(batch) == "<Batch: 0 of 3 calls done; iterate over it>"
    assert html(batch) == (
        '<p><b>Batch</b> <code>0 of 3 calls done; iterate over it</code></p><progress value="0" max="3"></progress>'
    )
    assert "<progress" not in html(Batch(iter([1])))
    with pytest.raises(NotImplementedError):
        repr(BaseBatch())
