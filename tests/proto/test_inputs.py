"""Files with a name or a media type of the caller's choice."""

from __future__ import annotations

from pathlib import Path

from bento_proto import File
from bento_proto.request import FileSource, bind
from tests.proto.shapes import zoo


def test_name_and_type_are_optional() -> None:
    assert File(b"x") == File(content=b"x", name=None, content_type=None)
    assert File(Path("p"), "n", "a/b") == (Path("p"), "n", "a/b")


def test_it_is_one_file_though_it_is_a_tuple() -> None:
    file = File(b"x", "a.txt", "text/plain")
    assert bind(zoo("file_in"), (file,), {}).sources == (FileSource("file_in(): argument 'f'", file),)
    assert [source.content for source in bind(zoo("file_list"), ([file, file],), {}).sources] == [file, file]
