"""That what a page shows and does not hold is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.pages import SHOWN, snippets

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is needed")


def run(text: str, folder: Path, url: str = "http://there") -> dict[str, object]:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    namespace: dict[str, object] = {}
    for snippet in snippets(page):
        snippet.run(namespace, url)
    return namespace


def test_blocks_share_a_namespace_comments_included(tmp_path: Path) -> None:
    text = f"""```python
a = "{SHOWN}"
```
  ```python
  b = a
  ```
<!-- python
c = b
-->
```sh
exit 1
```"""
    assert run(text, tmp_path)["c"] == "http://there"


def test_a_traceback_names_the_line_of_the_page(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run("# Page\n\n```python\na = 1\na / 0\n```\n", tmp_path)
    deepest = caught.traceback[-1]
    assert (str(deepest.path), deepest.lineno + 1) == (str(tmp_path / "page.md"), 5)


@pytest.mark.parametrize("shown", ["", "\nanyio.run(main)  # or trio.run(main)"])
def test_main_runs_on_both_loops(shown: str, tmp_path: Path) -> None:
    text = f"""```python
import anyio
import sniffio
loops = globals().get("loops", [])

async def main():
    loops.append(sniffio.current_async_library())
{shown}
```"""
    assert run(text, tmp_path)["loops"] == ["asyncio", "trio"]


@needs_bash
def test_a_file_is_written_and_commands_are_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = f"""```python
# jobs/shout.py
import os
print(os.environ["WORD"], "{SHOWN}")
```
```console
$ export WORD=ho \\
    OTHER=hi
$ python jobs/shout.py
ho {SHOWN}
$ false
$ echo $OTHER; echo $WORD there
hi
h... there
```"""
    run(text, tmp_path)


@needs_bash
@pytest.mark.parametrize("commands", ["$ echo one\ntwo\n", "$ echo one\none\n$ exit 1\n"])
def test_a_command_that_does_something_else_fails(commands: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"page.md:"):
        run(f"```console\n{commands}```\n", tmp_path)
