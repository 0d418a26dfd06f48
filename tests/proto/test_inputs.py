"""Files with a name or a media type of the caller's choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from bento_proto import File
from bento_proto.batch import arguments_of
from bento_proto.request import FileSource, bind, encode
from tests.proto.shapes import TEXT, endpoint, zoo


def test_name_and_type_are_optional() -> None:
    assert File(b"x") == File(content=b"x", name=None, content_type=None)
    file = File(Path("p"), "n", "a/b")
    assert (file.content, file.name, file.content_type) == (Path("p"), "n", "a/b")


def test_a_file_is_a_single_argument() -> None:
    file = File(b"x", "a.txt", "text/plain")
    assert bind(zoo("file_in"), (file,), {}).sources == (FileSource("file_in(): argument 'f'", file),)
    assert [source.content for source in bind(zoo("file_list"), ([file, file],), {}).sources] == [file, file]
    assert arguments_of(file) == ((file,), {})


def test_a_file_can_not_be_sent_inside_json() -> None:
    with pytest.raises(TypeError, match=r"f\(\): argument 's': a \S+File can't be sent as JSON"):
        encode(bind(endpoint({"s": TEXT}), (), {"s": File("a.txt")}), (), "b")
