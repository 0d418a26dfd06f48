"""Run code cells in a kernel of Jupyter, and print what each of them shows: JSON from standard input to output."""

from __future__ import annotations

import json
import sys

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook


def main() -> None:
    cells = json.load(sys.stdin)
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    json.dump([cell.outputs for cell in notebook.cells], sys.stdout)


if __name__ == "__main__":
    main()
