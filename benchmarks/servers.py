"""The servers of the benchmarks, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Server(NamedTuple):
    """The URLs of a server, for http and https."""

    plain: str
    secure: str


class Certificate(NamedTuple):
    """Files (PEM): a certificate for ``127.0.0.1``, its private key, both in one, and the authority that issued it."""

    certificate: Path
    key: Path
    both: Path
    authority: Path


def issue_certificate(folder: Path) -> Certificate:
    """Write a new certificate into the folder."""
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    found = Certificate(*(folder / f"{name}.pem" for name in Certificate._fields))
    issued.cert_chain_pems[0].write_to_path(found.certificate)
    issued.private_key_pem.write_to_path(found.key)
    issued.private_key_and_cert_chain_pem.write_to_path(found.both)
    authority.cert_pem.write_to_path(found.authority)
    return found


@contextmanager
def fast_server(certificate: Certificate | None = None, latency: float = 0) -> Iterator[Server]:
    """Run a server that is no bottleneck, on a core of its own. It delays each response by ``latency`` milliseconds."""
    arguments = ["--latency", str(latency)]
    if certificate:
        arguments += ["--certificate", str(certificate.both)]
    command = on_core(0, [sys.executable, "-m", "benchmarks.server", *arguments])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            plain, _, secure = process.stdout.readline().strip().partition(" ")
            yield Server(plain, secure)
        finally:
            process.stdin.close()


@contextmanager
def real_server(certificate: Certificate) -> Iterator[Server]:
    """Run two BentoML servers, one of them with TLS."""
    from tests.servers import serve

    tls = ("--ssl-certfile", str(certificate.certificate), "--ssl-keyfile", str(certificate.key))
    folder = ROOT / "benchmarks"
    with serve("service:Bench", folder=folder) as plain, serve("service:Bench", folder=folder, args=tls) as secure:
        yield Server(plain.url, secure.url)


def on_core(index: int, command: list[str]) -> list[str]:
    """Return the command, bound to one of the available cores where the system allows it and there are several."""
    if sys.platform != "linux" or len(cores := sorted(os.sched_getaffinity(0))) < 2:
        return command
    bind = f"import os, sys; os.sched_setaffinity(0, {{{cores[index]}}}); os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", bind, *command]
