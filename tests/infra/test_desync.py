"""What comes behind an answer reaches nobody: the next call gets its own answer, whatever the shape of the surplus.

``INFRA_SHAPES`` is how many shapes by chance each test tries, ``INFRA_SEED`` the seed of chance.
"""

from __future__ import annotations

import os
import random
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest

from bento_proto import JSON
from bento_sync import BentoMLException
from tests.hostile.service import BYTES, FILE, TEXT, endpoint, stream
from tests.parity.faces import Face

from .desync import EVIL, EXTRAS, READ_SIZES, SIZES, TRANSPORTS, DesyncServer, Shape, Transport, answer, shapes

COUNT = int(os.environ.get("INFRA_SHAPES", "60"))
SEED = int(os.environ.get("INFRA_SEED", "1"))
ANYTHING: JSON = {"title": "Text"}  # a number of a shape, or a text
SCHEMA = {
    "name": "Desync",
    "type": "service",
    "routes": [
        endpoint("echo", TEXT, ANYTHING),
        endpoint("blob", BYTES, ANYTHING),
        endpoint("file", FILE, ANYTHING),
        endpoint("words", stream({"type": "string"}), ANYTHING),
    ],
}


@pytest.fixture(scope="session")
def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def every_size() -> list[Shape]:
    """An answer of each size, the size of the whole or of its body, and each kind of surplus in each place."""
    chance = random.Random(0)
    found = []
    for size in SIZES:
        for whole in (True, False):
            data, text = answer(size, whole=whole, chunked=False, coding="", chance=chance)
            for extra in EXTRAS[:2]:
                for place, flights in {
                    "the same record": ((data + extra.data,),),
                    "the same segment": ((data, extra.data),),
                    "a later segment": ((data,), (extra.data,)),
                    "a record that begins with its end": ((data[:-1], data[-1:] + extra.data),),
                }.items():
                    said = f"{size} bytes {'in all' if whole else 'of body'}, then {extra.said} in {place}"
                    found.append(Shape("echo", flights, text, said))
    return found


def every_surplus() -> list[Shape]:
    """A small answer, and each kind of surplus in each place, sized so that it ends with a read."""
    found = []
    for extra in EXTRAS:
        for size in (None, *READ_SIZES):
            data, text = b"".join((b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood",)), "good"
            filled = extra.data if size is None else extra.data + EVIL[: max(0, size - len(data) - len(extra.data))]
            said = f"a small answer, then {extra.said}, {len(data) + len(filled)} bytes"
            found.append(Shape("echo", ((data + filled,),), text, f"{said} in the same record"))
            found.append(Shape("echo", ((data, filled),), text, f"{said} in the same segment"))
            found.append(Shape("echo", ((data,), (filled,)), text, f"{said} in a later segment"))
    return found


def bodiless() -> list[Shape]:
    """Answers that have no body by their status, with one all the same."""
    data = b"HTTP/1.1 204 No Content\r\n\r\n"
    return [
        Shape("blob", ((data + EVIL,),), None, "204 and an answer in the same record"),
        Shape("blob", ((data, EVIL),), None, "204 and an answer in the same segment"),
        Shape("blob", ((data + b"evil",),), None, "204 and a body"),
        Shape("blob", ((b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil",),), None, "204, a length, a body"),
    ]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    "tried",
    [every_size(), every_surplus(), bodiless(), shapes(SEED, COUNT)],
    ids=["every size", "every surplus", "bodiless", "by chance"],
)
def test_a_surplus_reaches_nobody(
    face: Face, transport: Transport, tried: Sequence[Shape], serving: ssl.SSLContext, trusting: ssl.SSLContext,
    tmp_path: Path,
) -> None:  # fmt: skip
    with DesyncServer(transport, serving, tried) as server:
        faults = _tried(face, server, tried, trusting, tmp_path)
    assert not faults, f"{len(faults)} of {len(tried)}, the first: " + "\n".join(faults[:10])


def _tried(
    face: Face, server: DesyncServer, tried: Sequence[Shape], trusting: ssl.SSLContext, folder: Path
) -> list[str]:
    faults: list[str] = []
    options = {"schema": SCHEMA, "server_ready_timeout": 0, "retries": 0, "timeout": 5, "download_dir": folder}
    client = face.client(**server.client, ssl_context=trusting, **options)
    with client:
        for number, shape in enumerate(tried):
            try:
                got = client.call(shape.endpoint, text=number)
                if shape.endpoint == "words":
                    got = "".join(got)
                elif shape.endpoint == "file":
                    path = Path(got)
                    got = path.read_text(encoding="ascii")
                    path.unlink()
                elif shape.endpoint == "blob" and isinstance(shape.value, str):
                    got = got.decode("ascii")
                if got != shape.value:
                    faults.append(f"{shape.said}: got {str(got)[:60]!r} itself")
            except BentoMLException as error:
                faults.append(f"{shape.said}: {error!r} itself")
            server.wait_until_sent()
            mine = f"mine {number}"
            try:
                got = client.call("echo", text=mine)
                if got != mine:
                    faults.append(f"{shape.said}: the next call got {str(got)[:60]!r}")
            except BentoMLException as error:
                faults.append(f"{shape.said}: the next call: {error!r}")
    return faults
