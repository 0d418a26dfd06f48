"""Results that are files: where they are, what they are called, whose they are, and that none is half a file."""

from __future__ import annotations

import contextlib
import errno
import gc
import gzip
import hashlib
import os
import random
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from bento_files import WriteBuffer
from bento_proto import CallTimeout, ConnectionLost, Head, InternalServerError
from bento_sync import SyncHTTPClient
from tests.servers import Servers

from .faces import Connect, Face
from .proxies import End, Piece, Stub, chunk, endpoint, forward, head, reply, routes, schema


def test_a_file_is_a_path_with_the_name_that_the_server_gave(zoo: SyncHTTPClient) -> None:
    path = zoo.csv_out()
    assert isinstance(path, Path)
    assert (path.name, path.read_bytes()) == ("table.csv", b"a,b\r\n1,2\r\n")
    other = zoo.csv_out()
    assert other != path
    assert other.name == "table.csv"
    assert zoo.empty_file_out().read_bytes() == b""
    assert zoo.image_file_out().name == "pic.png"
    assert zoo.optional_file_out().read_bytes() == b"opt"
    with pytest.raises(InternalServerError):  # BentoML can't send None for it
        zoo.optional_file_out(want=False)


@pytest.mark.parametrize(
    "name",
    [
        "report final.pdf",
        "ümläut 日本 🐘.txt",
        "a;b=c'd.txt",
        "plain.tar.gz",
        "no suffix",
        "percent%41.txt",
        "x" * 190 + ".txt",
    ],
)
def test_names_are_kept(zoo: SyncHTTPClient, name: str) -> None:
    path = zoo.named_file_out(name)
    assert (path.name, path.read_bytes()) == (name, b"payload of " + name.encode())


SAFE = {
    "../../evil.txt": "evil.txt",
    "sub/dir.txt": "dir.txt",
    "/etc/passwd": "passwd",
    "C:\\\\dir\\\\x.txt": "x.txt",
    "..": "file_response_evil.bin",
    ".": "file_response_evil.bin",
    "": "file_response_evil.bin",
    "/": "file_response_evil.bin",
    "   ": "file_response_evil.bin",
    "CON": "_CON",
    "nul.txt": "_nul.txt",
    ".bashrc": "_bashrc",
    "trailing. .": "trailing",
    "a:b|c?.txt": "a_b_c_.txt",
    'a\\"b.txt': "a_b.txt",
    "tab\there.txt": "tab_here.txt",
    "x" * 300 + ".txt": "x" * 196 + ".txt",
    "x." + "y" * 300: "x." + "y" * 198,
}


@pytest.mark.parametrize("name", SAFE, ids=[name[:20] for name in SAFE])
def test_no_name_leads_out_of_the_directory(zoo: SyncHTTPClient, tmp_path: Path, name: str) -> None:
    client = zoo.with_options(download_dir=tmp_path / "a" / "b")
    path = client.file_response_evil(name)
    assert path == tmp_path / "a" / "b" / SAFE[name]
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]
    assert path.read_bytes() == b"evil"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename*=utf-8''r%C3%A9sum%C3%A9%20final.pdf", "résumé final.pdf"),
        ("attachment; filename=plain.txt; filename*=UTF-8'de'%E2%82%AC.txt", "€.txt"),
        ("attachment; filename*=iso-8859-1''caf%e9.txt", "café.txt"),
        ("attachment; filename*=utf-8''..%2F..%2Fevil.txt", "evil.txt"),
        ("attachment; filename*=broken; filename=fallback.txt", "fallback.txt"),
        ("attachment; FILENAME = \"upper.txt\"", "upper.txt"),
        ("inline; filename=in.txt", "in.txt"),
        ("attachment; filename=caf\xe9.txt", "café.txt"),
        ("attachment", "file_raw_disposition.txt"),
        ("garbage=;;;\"", "file_raw_disposition.txt"),
    ],
)  # fmt: skip
def test_however_the_header_says_it(zoo: SyncHTTPClient, header: str, name: str) -> None:
    path = zoo.file_raw_disposition(header)
    assert (path.name, path.read_bytes()) == (name, b"raw header")


def test_a_file_without_a_name_is_called_after_the_endpoint(zoo: SyncHTTPClient) -> None:
    assert zoo.file_no_disposition().name == "file_no_disposition.bin"
    assert zoo.file_out_ct().name == "noext"


# --- where


def test_files_go_where_the_caller_wants_them(servers: Servers, connect: Connect, tmp_path: Path) -> None:
    client = connect(servers.url("zoo:Zoo"), download_dir=str(tmp_path / "all"))
    assert client.csv_out() == tmp_path / "all" / "table.csv"
    assert client.with_options(download_dir=tmp_path / "one").csv_out() == tmp_path / "one" / "table.csv"
    assert tmp_path not in client.with_options(download_dir=None).csv_out().parents


def test_nothing_is_overwritten(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    mine = tmp_path / "table.csv"
    mine.write_text("mine")
    client = zoo.with_options(download_dir=tmp_path)
    assert [client.csv_out().name for _ in range(3)] == ["table-1.csv", "table-2.csv", "table-3.csv"]
    assert [client.named_file_out("a.tar.gz").name for _ in range(2)] == ["a.tar.gz", "a.tar-1.gz"]
    assert mine.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 6


def test_nor_where_the_file_system_knows_no_links(
    zoo: SyncHTTPClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: str, to: str) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", source, None, to)

    monkeypatch.setattr(os, "link", link)
    test_nothing_is_overwritten(zoo, tmp_path)


def test_a_directory_that_can_not_be_written_to(zoo: SyncHTTPClient, text_file: Path) -> None:
    with pytest.raises(OSError, match=r"hello\.txt"):
        zoo.with_options(download_dir=text_file).csv_out()
    assert zoo.csv_out().exists()


# --- whose


def test_files_outlive_call_client_and_garbage(servers: Servers, face: Face) -> None:
    def fetch() -> Path:
        with face.client(servers.url("zoo:Zoo")) as client:
            path = client.csv_out()
            assert isinstance(path, Path)
            return path

    path = fetch()
    gc.collect()
    assert path.read_bytes() == b"a,b\r\n1,2\r\n"


def test_files_go_with_the_process_unless_it_said_where(servers: Servers, tmp_path: Path) -> None:
    script = """
        import sys
        from bento_sync import SyncHTTPClient
        with SyncHTTPClient(sys.argv[1]) as client:
            print(client.csv_out(), client.with_options(download_dir=sys.argv[2]).csv_out(), sep="\\n")
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script), servers.url("zoo:Zoo"), str(tmp_path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    passing, lasting = map(Path, answer.stdout.splitlines())
    assert answer.stderr == ""
    assert not passing.parent.parent.exists()
    assert lasting == tmp_path / "table.csv"
    assert lasting.exists()


# --- whole or not at all


def test_a_large_file_comes_whole(zoo: SyncHTTPClient) -> None:
    size = 20_000_001
    digest = hashlib.sha256((bytes(range(256)) * (size // 256 + 1))[:size]).hexdigest()
    path = zoo.bin_out(size)
    assert path.stat().st_size == size
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


FIVE_MIB = random.Random(5).randbytes(5 << 20)
FILE = {"content-disposition": "attachment; filename=x.bin"}
AS_CHUNKS = b"".join(chunk(FIVE_MIB[at : at + 100_000]) for at in range(0, len(FIVE_MIB), 100_000)) + chunk(b"")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    "answer",
    [
        reply(FIVE_MIB, headers=FILE),
        [head(200, FILE) + FIVE_MIB, End.CLOSE],
        head(200, {**FILE, "transfer-encoding": "chunked"}) + AS_CHUNKS,
        reply(gzip.compress(FIVE_MIB, 1), headers={**FILE, "content-encoding": "gzip"}),
    ],
    ids=["length", "close", "chunks", "gzip"],
)
def test_however_a_large_file_comes_it_is_whole(connect: Connect, answer: bytes, secure: bool) -> None:
    context, trusting = contexts() if secure else (None, None)
    given = schema(endpoint("f", output={"type": "file", "format": "binary"}))
    with Stub(routes({"/f": answer}), context) as stub:
        assert connect(stub.url, schema=given, ssl_context=trusting).f().read_bytes() == FIVE_MIB


@given(
    st.sampled_from(["", "0", "70000", "1048576", "5242880", "9" * 5000, "x"]),
    st.lists(st.tuples(st.integers(1, 1_500_000), st.booleans()), max_size=9),
)
def test_what_is_gathered_is_what_came(length: str, reads: list[tuple[int, bool]]) -> None:
    buffer = WriteBuffer(Head(200, (("content-length", length),)))
    came, written = 0, b""
    for size, there in reads:
        data = FIVE_MIB[came : came + size]
        block: bytes | memoryview = data
        if there and len(buffer.free):
            data = data[: len(buffer.free)]
            block = buffer.free[: len(data)]
            buffer.free[: len(data)] = data
        came += len(data)
        written += b"".join(buffer.add(block))
    assert written + buffer.filled == FIVE_MIB[:came]


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Those of a server, and of a client that trusts it."""
    authority = trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(trusting)
    return serving, trusting


def test_a_download_that_is_cut_leaves_nothing(servers: Servers, connect: Connect, tmp_path: Path) -> None:
    port = servers.server("zoo:Zoo").port
    with Stub(partial(forward, port, cut=70_000)) as proxy:
        client = connect(proxy.url, download_dir=tmp_path)
        with pytest.raises(ConnectionLost, match="before the response was complete"):
            client.bin_out(100_000)
        assert list(tmp_path.iterdir()) == []
        assert client.bin_out(60_000).stat().st_size == 60_000


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([reply(FIVE_MIB, headers=FILE)[:4_000_000], End.CLOSE], ConnectionLost),
        ([reply(FIVE_MIB, headers=FILE)[:4_000_000], End.RESET], ConnectionLost),
        ([reply(FIVE_MIB, headers=FILE)[:4_000_000], End.SILENCE], CallTimeout),
    ],
    ids=["closed", "reset", "stalled"],
)
def test_nor_does_one_that_is_cut_when_most_of_it_is_there(
    connect: Connect, tmp_path: Path, answer: list[Piece], error: type[Exception]
) -> None:
    given = schema(endpoint("f", output={"type": "file", "format": "binary"}))
    with Stub(routes({"/f": answer})) as stub, pytest.raises(error):
        connect(stub.url, schema=given, download_dir=tmp_path, timeout=0.5).f()
    assert list(tmp_path.iterdir()) == []


def test_what_is_behind_a_large_file_is_not_in_it(connect: Connect) -> None:
    given = schema(endpoint("f", output={"type": "file", "format": "binary"}))
    with Stub(routes({"/f": reply(FIVE_MIB, headers=FILE) + b"!" * 4_000_000})) as stub:
        client = connect(stub.url, schema=given)
        assert client.f().read_bytes() == FIVE_MIB
        assert client.f().read_bytes() == FIVE_MIB
    assert stub.connections == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_full_disk_leaves_nothing(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    client = zoo.with_options(download_dir=tmp_path)
    with _no_file_larger_than(1 << 20), pytest.raises(OSError) as caught:  # noqa: PT011 - the errno says which
        client.bin_out(5 << 20)
    assert caught.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []
    assert client.bin_out(100).stat().st_size == 100


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_full_disk_at_the_last_bytes_leaves_nothing(zoo: SyncHTTPClient, tmp_path: Path) -> None:
    with _no_file_larger_than(100), pytest.raises(OSError, match="too large"):
        zoo.with_options(download_dir=tmp_path).bin_out(101)
    assert list(tmp_path.iterdir()) == []


@contextlib.contextmanager
def _no_file_larger_than(size: int) -> Iterator[None]:
    """What a full disk is like; Python ignores the signal that would come along."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_nothing_of_a_failed_download_stays_in_the_processs_own_directory(servers: Servers, connect: Connect) -> None:
    port = servers.server("zoo:Zoo").port
    with Stub(partial(forward, port, cut=70_000)) as proxy:
        client = connect(proxy.url)
        home = client.csv_out().parent.parent
        before = sorted(home.iterdir())
        with pytest.raises(ConnectionLost):
            client.bin_out(100_000)
        assert sorted(home.iterdir()) == before


def test_an_answer_that_is_longer_than_it_said_is_what_it_said(connect: Connect) -> None:
    given = schema(endpoint("f", output={"type": "file", "format": "binary"}))
    whole = reply(b"12345", headers={"content-disposition": "attachment; filename=x.bin"})
    with Stub(routes({"/f": whole + b"and more"})) as stub:
        client = connect(stub.url, schema=given)
        assert [client.f().read_bytes() for _ in range(3)] == [b"12345"] * 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_files_are_for_their_owner_only(zoo: SyncHTTPClient) -> None:
    path = zoo.csv_out()
    assert path.parent.parent.stat().st_mode & 0o077 == 0
