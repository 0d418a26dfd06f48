"""Large files. Each contender returns a function that transfers one of so many MiB, from or into a folder."""

from __future__ import annotations

# mypy: disable-error-code="import-not-found,import-untyped"
import http.client
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.sync_calls import connect
from benchmarks.work import MIB

Transfer = Callable[[Path, int], object]
AsyncTransfer = Callable[[Path, int], Awaitable[object]]

_BOUNDARY = "0123456789abcdef"
_BEFORE = (
    f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="weights.bin"\r\n'
    "content-type: application/octet-stream\r\n\r\n"
).encode()
_AFTER = f"\r\n--{_BOUNDARY}--\r\n".encode()


def source(folder: Path, mib: int) -> Path:
    """Return the file to upload, made when it is missing."""
    path = folder / f"{mib}.bin"
    if not path.exists():
        with path.open("wb") as file:
            file.truncate(mib * MIB)
    return path


def _form(path: Path) -> Iterator[bytes]:
    yield _BEFORE
    with path.open("rb") as file:
        while block := file.read(1 << 18):
            yield block
    yield _AFTER


def _form_headers(path: Path) -> dict[str, str]:
    length = len(_BEFORE) + path.stat().st_size + len(_AFTER)
    return {"content-type": f"multipart/form-data; boundary={_BOUNDARY}", "content-length": str(length)}


# --- upload


def upload_http_client(url: str) -> Transfer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def upload(folder: Path, mib: int) -> object:
        path = source(folder, mib)
        connection.request("POST", "/upload", _form(path), _form_headers(path))
        return json.loads(connection.getresponse().read())

    return upload


def upload_urllib3(url: str) -> Transfer:
    import urllib3

    pool = urllib3.PoolManager()

    def upload(folder: Path, mib: int) -> object:
        path = source(folder, mib)
        return pool.request("POST", f"{url}/upload", body=_form(path), headers=_form_headers(path)).json()

    return upload


def upload_requests(url: str) -> Transfer:
    """With the whole form in memory, which is how requests does it."""
    import requests

    session = requests.Session()

    def upload(folder: Path, mib: int) -> object:
        with source(folder, mib).open("rb") as file:
            return session.post(f"{url}/upload", files={"file": file}).json()

    return upload


def upload_httpx(url: str) -> Transfer:
    import httpx

    client = httpx.Client(timeout=300)

    def upload(folder: Path, mib: int) -> object:
        with source(folder, mib).open("rb") as file:
            return client.post(f"{url}/upload", files={"file": file}).json()

    return upload


def upload_bentoml(url: str) -> Transfer:
    import bentoml

    client: Any = bentoml.SyncHTTPClient(url, timeout=300)
    return lambda folder, mib: client.upload(file=source(folder, mib))


def upload_bento_sync(url: str) -> Transfer:
    from bento_sync import SyncHTTPClient

    client = SyncHTTPClient(url, timeout=300)
    return lambda folder, mib: client.upload(file=source(folder, mib))


async def upload_aiohttp(url: str) -> AsyncTransfer:
    import aiohttp

    session = aiohttp.ClientSession()

    async def upload(folder: Path, mib: int) -> object:
        with source(folder, mib).open("rb") as file:
            async with session.post(f"{url}/upload", data={"file": file}) as answer:
                return await answer.json()

    return upload


async def upload_bentoml_async(url: str) -> AsyncTransfer:
    import bentoml

    client: Any = bentoml.AsyncHTTPClient(url, timeout=300)
    await client.__aenter__()
    return lambda folder, mib: client.upload(file=source(folder, mib))


async def upload_bento_async(url: str) -> AsyncTransfer:
    from bento_async import AsyncHTTPClient

    client = AsyncHTTPClient(url, timeout=300)
    return lambda folder, mib: client.upload(file=source(folder, mib))


UPLOADS: dict[str, Callable[[str], Transfer]] = {
    "bento_sync": upload_bento_sync,
    "http.client": upload_http_client,
    "urllib3": upload_urllib3,
    "requests": upload_requests,
    "httpx": upload_httpx,
    "bentoml": upload_bentoml,
}
ASYNC_UPLOADS: dict[str, Callable[[str], Awaitable[AsyncTransfer]]] = {
    "bento_async": upload_bento_async,
    "aiohttp": upload_aiohttp,
    "bentoml async": upload_bentoml_async,
}


# --- download


def download_raw(url: str) -> Transfer:
    """The lower limit: from the socket into one buffer, and from there into the file."""
    parts = urlsplit(url)
    sock = connect(url)
    room = memoryview(bytearray(MIB))

    def download(folder: Path, mib: int) -> object:
        body = json.dumps({"mib": mib}).encode()
        head = f"POST /download HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n"
        sock.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(1 << 10)
        head, _, rest = data.decode("latin-1").partition("\r\n\r\n")
        left = int(head.lower().partition("content-length:")[2].split()[0]) - len(rest)
        path = folder / "raw.bin"
        with path.open("wb", buffering=0) as file:
            file.write(rest.encode("latin-1"))
            while left:
                size = sock.recv_into(room)
                file.write(room[:size])
                left -= size
        return path

    return download


def download_urllib3(url: str) -> Transfer:
    import urllib3

    pool = urllib3.PoolManager()

    def download(folder: Path, mib: int) -> object:
        answer = pool.request("POST", f"{url}/download", json={"mib": mib}, preload_content=False)
        path = folder / "urllib3.bin"
        with path.open("wb") as file:
            for block in answer.stream(MIB):
                file.write(block)
        answer.release_conn()
        return path

    return download


def download_requests(url: str) -> Transfer:
    import requests

    session = requests.Session()

    def download(folder: Path, mib: int) -> object:
        path = folder / "requests.bin"
        with session.post(f"{url}/download", json={"mib": mib}, stream=True) as answer, path.open("wb") as file:
            for block in answer.iter_content(MIB):
                file.write(block)
        return path

    return download


def download_httpx(url: str) -> Transfer:
    import httpx

    client = httpx.Client(timeout=300)

    def download(folder: Path, mib: int) -> object:
        path = folder / "httpx.bin"
        with client.stream("POST", f"{url}/download", json={"mib": mib}) as answer, path.open("wb") as file:
            for block in answer.iter_bytes():
                file.write(block)
        return path

    return download


def download_bentoml(url: str) -> Transfer:
    import bentoml

    client: Any = bentoml.SyncHTTPClient(url, timeout=300)
    return lambda folder, mib: client.download(mib=mib)


def download_bento_sync(url: str) -> Transfer:
    from bento_sync import SyncHTTPClient

    client = SyncHTTPClient(url, timeout=300)
    return lambda folder, mib: client.with_options(download_dir=folder).download(mib=mib)


async def download_aiohttp(url: str) -> AsyncTransfer:
    import aiohttp

    session = aiohttp.ClientSession()

    async def download(folder: Path, mib: int) -> object:
        path = folder / "aiohttp.bin"
        async with session.post(f"{url}/download", json={"mib": mib}) as answer:
            with path.open("wb") as file:
                async for block in answer.content.iter_chunked(MIB):
                    file.write(block)
        return path

    return download


async def download_bentoml_async(url: str) -> AsyncTransfer:
    import bentoml

    client: Any = bentoml.AsyncHTTPClient(url, timeout=300)
    await client.__aenter__()
    return lambda folder, mib: client.download(mib=mib)


async def download_bento_async(url: str) -> AsyncTransfer:
    from bento_async import AsyncHTTPClient

    client = AsyncHTTPClient(url, timeout=300)
    return lambda folder, mib: client.with_options(download_dir=folder).download(mib=mib)


DOWNLOADS: dict[str, Callable[[str], Transfer]] = {
    "raw socket": download_raw,
    "bento_sync": download_bento_sync,
    "urllib3": download_urllib3,
    "requests": download_requests,
    "httpx": download_httpx,
    "bentoml": download_bentoml,
}
ASYNC_DOWNLOADS: dict[str, Callable[[str], Awaitable[AsyncTransfer]]] = {
    "bento_async": download_bento_async,
    "aiohttp": download_aiohttp,
    "bentoml async": download_bentoml_async,
}
