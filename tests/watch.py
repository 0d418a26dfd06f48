"""Finds calls of ours that block an event loop."""

from __future__ import annotations

from blockbuster import BlockBuster, BlockBusterFunction

OURS = ["bento_async", "bento_files", "bento_proto"]


def watch() -> BlockBuster:
    """What fails such a call, on asyncio, from its ``activate`` to its ``deactivate``."""
    found = BlockBuster(OURS)
    # It knows buffered files only, which read by this too: with what they are allowed, so are imports and tracebacks.
    allowed = [
        *found.functions["io.BufferedReader.read"].can_block_functions,
        *found.functions["os.stat"].can_block_functions,
    ]
    name = "io.FileIO.readinto"
    found.functions[name] = BlockBusterFunction(None, name, scanned_modules=OURS, can_block_functions=allowed)
    # Help for a person at the prompt of IPython, for whom the loop waits.
    found.functions["threading.Lock.acquire"].can_block_in("bento_files/_attempt.py", {"attempt"})
    # A fork, for which the loop waits too.
    for function in found.functions.values():
        function.can_block_in("bento_files/_forks.py", {"load_all"})
    return found
