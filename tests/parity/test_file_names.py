"""What goes along with a file: its name, however odd, its media type; and URLs, which go instead of one."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from bento_proto import File, InvalidArgument
from bento_sync import SyncHTTPClient

from .faces import Connect
from .proxies import Asked, Stub, reply
from .test_files_in import described

NAMES = {
    "plain.txt": "plain.txt",
    "with space.tar.gz": "with space.tar.gz",
    "ümläut 日本 🐘.txt": "ümläut 日本 🐘.txt",
    'qu"ote.txt': "qu%22ote.txt",
    "semi;colon=x'.txt": "semi;colon=x'.txt",
    "line\r\nbreak: x.txt": "line%0D%0Abreak: x.txt",
    "percent%41.txt": "percent%41.txt",
    "a" * 246 + ".txt": "a" * 176 + ".txt",
    "é" * 123 + ".txt": "é" * 88 + ".txt",
    "": "file",
    ".hidden": ".hidden",
    "noext": "noext",
}


@pytest.mark.parametrize("name", NAMES, ids=[name[:20] for name in NAMES])
def test_a_name_arrives(zoo: SyncHTTPClient, name: str) -> None:
    assert zoo.file_in(File(b"x", name))["suffix_of_temp_name"] == NAMES[name]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", [name for name in NAMES if name], ids=[name[:20] for name in NAMES if name])
def test_the_name_of_a_path_arrives(zoo: SyncHTTPClient, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    assert zoo.file_in(path)["suffix_of_temp_name"] == NAMES[name]


def test_media_types_are_such_that_the_service_takes_them(zoo: SyncHTTPClient, png: Path, tmp_path: Path) -> None:
    tune = tmp_path / "tune.mp3"
    tune.write_bytes(b"ID3")
    assert zoo.audio_in(tune)["suffix_of_temp_name"] == "tune.mp3"
    assert zoo.audio_in(b"ID3")["size"] == zoo.root_file_ct(tune)["size"] == 3
    assert zoo.any_image_file_in(png)["suffix_of_temp_name"] == "red.png"
    assert zoo.any_image_file_in(File(b"x", "x.webp"))["size"] == 1
    jpg = tmp_path / "photo.jpg"
    Image.new("RGB", (2, 2)).save(jpg)
    assert zoo.image_in(jpg)["format"] == "JPEG"
    with pytest.raises(InvalidArgument, match="Invalid content type audio/wav, expected audio/mp3"):
        zoo.audio_in(File(b"x", "x.mp3", "audio/wav"))


# --- images of Pillow's


def test_an_image_that_nobody_touched_is_sent_as_its_file(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.effect_noise((64, 48), 50).convert("RGB").save(path, quality=30)
    with Image.open(path) as image:
        assert zoo.file_in(image) == described(path.read_bytes(), "photo.jpg")
        assert zoo.root_file(image) == described(path.read_bytes())
        assert zoo.image_in(image) == {"format": "JPEG", "size": [64, 48], "mode": "RGB"}
        image.load()
        assert zoo.image_in(image) == zoo.root_image(image) == {"format": "JPEG", "size": [64, 48], "mode": "RGB"}
        assert zoo.image_in(image.resize((8, 8)))["size"] == [8, 8]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "I;16", "F", "YCbCr"])
def test_an_image_made_in_memory(zoo: SyncHTTPClient, mode: str) -> None:
    image = Image.new(mode, (5, 4))
    seen = zoo.image_in(image)
    assert seen["size"] == [5, 4]
    if seen["format"] != "PNG":  # which can't hold all of them
        assert seen["format"] == "TIFF"
    assert zoo.root_image(image) == seen


def test_an_image_comes_back(zoo: SyncHTTPClient) -> None:
    image = Image.effect_noise((20, 10), 80)
    back = zoo.image_roundtrip(image)
    assert (back.size, back.tobytes()) == (image.size, image.tobytes())
    assert zoo.image_roundtrip(back).tobytes() == image.tobytes()


# --- URLs: the server fetches them


def test_urls_are_sent_as_text(zoo: SyncHTTPClient, connect: Connect) -> None:
    known = zoo.request("GET", "/schema.json").json()
    one, two = "http://127.0.0.1:9/a%20b.png?x=1&y=ü", "HTTPS://files.example/b.png"
    with Stub(lambda asked: reply(b"\n" if asked.method == "GET" else {})) as stub:
        client = connect(stub.url, schema=known)
        client.file_in(one)
        client.file_list([one, b"between", two])
        client.root_file(one)
        client.image_list([one, two])
        _, single, several, root, images = stub.asked
    assert _parts(single) == [("f", None, one.encode())]
    assert _parts(several) == [
        ("files", None, one.encode()),
        ("files", "file", b"between"),
        ("files", None, two.encode()),
    ]
    assert root.body == one.encode()
    assert [content for _, _, content in _parts(images)] == [one.encode(), two.encode()]


def _parts(asked: Asked) -> Sequence[tuple[str, str | None, bytes]]:
    boundary = asked.headers["content-type"].partition("boundary=")[2].encode()
    found = []
    for part in asked.body.split(b"--" + boundary)[1:-1]:
        fields, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name, file_name = re.search(rb'name="([^"]*)"(?:; filename="([^"]*)")?', fields).groups()  # type: ignore[union-attr]
        found.append((name.decode(), None if file_name is None else file_name.decode(), content))
    return found


def test_urls_reach_the_server(zoo: SyncHTTPClient) -> None:
    for call in (zoo.image_in, zoo.root_image):
        with pytest.raises(InvalidArgument, match="insecure input URL"):  # it fetches nothing from its own machine
            call("http://127.0.0.1:9/a.png")
