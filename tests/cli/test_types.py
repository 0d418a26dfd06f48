"""``types``: a module that runs, and a check that fails once the Service has changed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .conftest import Run, environment


def test_the_generated_module_works(run: Run, zoo: str, tmp_path: Path) -> None:
    done = run("types", zoo)
    assert (done.code, done.told) == (0, "")
    (tmp_path / "zoo_client.py").write_bytes(done.out)
    use = f"from zoo_client import ZooClient\nwith ZooClient({zoo!r}) as client: print(client.add_int(a=1))"
    ran = subprocess.run([sys.executable, "-c", use], cwd=tmp_path, env=environment(), capture_output=True, check=True)
    assert ran.stdout == b"3\n"


def test_the_clients_and_their_names(run: Run, zoo: str) -> None:
    both = run("types", zoo, "--both").text
    assert both == run("types", zoo).text
    assert "class ZooClient(" in both
    assert "class AsyncZooClient(" in both
    only = run("types", zoo, "--sync", "--name", "Animals").text
    assert "class Animals(" in only
    assert "class Async" not in only
    assert "class ZooClient(" not in run("types", zoo, "--async").text
    done = run("types", zoo, "--name", "no name")
    assert (done.code, done.out) == (2, b"")


def test_the_check_prints_the_changes(run: Run, zoo: str, tmp_path: Path) -> None:
    assert run("types", zoo, "-o", "client.py").out == b""
    path = tmp_path / "client.py"
    done = run("types", zoo, "--check", "client.py")
    assert (done.code, done.out, done.told) == (0, b"", "")
    text = path.read_text()
    assert text.count("/half") == 1
    path.write_text(text.replace("/half", "/third"))
    done = run("types", zoo, "--check", "client.py")
    assert (done.code, done.text) == (1, "half: route: '/third' -> '/half'\n")
    assert done.told.startswith("error: client.py no longer fits the Service (1 change); write it again with: ")
    done = run("types", zoo, "--check", "client.py", "--json")
    assert json.loads(done.out) == {"file": "client.py", "changes": ["half: route: '/third' -> '/half'"]}
    path.write_text("import this")
    assert run("types", zoo, "--check", "client.py").code == 2
    assert run("types", zoo, "--check", "missing.py").code == 2
