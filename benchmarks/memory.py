"""Growth of a client's memory with the size of a file: ``python tools/bench.py memory``.

Each transfer runs in a process of its own, after a small one of the same kind, so that first use is not counted. The
figure is the growth of the peak resident memory. The server is a real BentoML server.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.servers import Servers

MIB = 1 << 20


def peak() -> int:
    """Return the peak resident memory of this process, in bytes."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def upload(url: str, size: int, folder: Path) -> None:
    """Upload a file of so many bytes."""
    from bento_sync import SyncHTTPClient

    path = folder / f"{size}.bin"
    with path.open("wb") as file:
        file.truncate(size)
    with SyncHTTPClient(url, timeout=300) as client:
        assert client.file_in(path)["size"] == size


def download(url: str, size: int, folder: Path) -> None:
    """Download a file of so many bytes."""
    from bento_sync import SyncHTTPClient

    with SyncHTTPClient(url, timeout=300, download_dir=folder) as client:
        path = client.big_out(mb=size // MIB)
        assert path.stat().st_size == size
        path.unlink()


TRANSFERS = {"upload": upload, "download": download}


def measure(transfer: str, url: str, size: int) -> None:
    """Print the growth in bytes and the duration in seconds. Runs in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        TRANSFERS[transfer](url, MIB, Path(name))
        before, started = peak(), time.monotonic()
        TRANSFERS[transfer](url, size, Path(name))
        print(json.dumps({"growth": peak() - before, "seconds": time.monotonic() - started}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="the size of the file")
    parser.add_argument("--measure", nargs=2, metavar=("TRANSFER", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        transfer, url = options.measure
        measure(transfer, url, options.mib * MIB)
        return
    servers = Servers()
    try:
        url = servers.url("zoo:Zoo")
        print(f"{'transfer':10} {'size':>10} {'peak memory grows by':>22} {'time':>8}")
        for transfer in TRANSFERS:
            command = [sys.executable, __file__, "--mib", str(options.mib), "--measure", transfer, url]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            print(f"{transfer:10} {options.mib:6} MiB {found['growth'] / MIB:18.1f} MiB {found['seconds']:6.1f} s")
    finally:
        servers.close()


if __name__ == "__main__":
    main()
