"""File names that lie: what the server calls a file decides nothing about where it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity.faces import Connect

from .promises import assert_right
from .server import Peer, Server, answer, send

LIES = [
    'filename="../../evil.txt"',
    'filename="/etc/passwd"',
    'filename="C:\\\\windows\\\\evil.exe"',
    'filename="..\\\\..\\\\evil"',
    'filename=".."',
    'filename="."',
    'filename=""',
    'filename=".bashrc"',
    'filename="~/.ssh/authorized_keys"',
    'filename="con.txt"',
    'filename="a:b"',
    'filename="txt.\xe2\x80\xaeexe"',
    'filename="' + "x" * 5000 + '.txt"',
    'filename="' + "\xc3\xbc" * 300 + '.txt"',
    "filename*=UTF-8''..%2f..%2fevil",
    "filename*=UTF-8''%00evil",
    "filename*=UTF-8''a%0d%0ab",
    "filename*=UTF-8''%ff%fe",
    "filename*=UTF-16''%00a",
    "filename*=UTF-8''%ed%a0%80",
    "filename*=nonsense",
    "filename=a; filename=b; filename*=UTF-8''../c",
    'filename="unfinished',
    'filename="a\\"b"',
    "filename=|rm -rf ~|",
    'filename="a\xff\xfeb"',
    "=;=;;;==",
    'filename="' + "\\" * 3000,
    "filename" + " " * 30_000 + '="x"',
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: ascii(lie[:40]))
def test_a_file_stays_where_it_belongs(connect: Connect, server: Server, tmp_path: Path, lie: str) -> None:
    folder = tmp_path / "a" / "b"
    client = connect(download_dir=folder)
    server.script(Peer.request, send(answer(b"content", f"Content-Disposition: attachment; {lie}")), Peer.serve)
    path = client.file()
    assert path.parent == folder
    assert path.read_bytes() == b"content"
    assert [*tmp_path.rglob("*")] == [tmp_path / "a", folder, path], "and nothing else"
    assert not path.name.startswith(".")
    assert path.name.isprintable()
    assert_right(client)


def test_nothing_is_overwritten(connect: Connect, server: Server, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_bytes(b"mine")
    client = connect(download_dir=tmp_path)
    whole = answer(b"theirs", 'Content-Disposition: attachment; filename="mine.txt"')
    server.script(Peer.request, send(whole), Peer.request, send(whole), Peer.serve)
    paths = [client.file(), client.file()]
    assert mine.read_bytes() == b"mine"
    assert [path.read_bytes() for path in paths] == [b"theirs", b"theirs"]
    assert len({mine, *paths}) == 3


def test_a_link_is_not_followed(connect: Connect, server: Server, tmp_path: Path) -> None:
    target = tmp_path / "target"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "evil.txt").symlink_to(target)
    client = connect(download_dir=folder)
    server.script(
        Peer.request, send(answer(b"content", 'Content-Disposition: attachment; filename="evil.txt"')), Peer.serve
    )
    path = client.file()
    assert path != folder / "evil.txt"
    assert not target.exists()
