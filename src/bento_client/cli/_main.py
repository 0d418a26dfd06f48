"""The entry point: runs a command, and makes of whatever happens an exit code and at most one line."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ._names import COMPLETE, NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED: Final = 130  # as shells have it: 128 and the number of SIGINT
_HUNG_UP: Final = 141  # and of SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: those of the command line without the program's name; by default this process's own.

    Returns:
        The exit code, as ``bento-client --help`` lists them.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # the shell's >&-: as if it were >/dev/null, to the end
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")  # for what the terminal has no characters
    if importlib.util.find_spec("click") is None or importlib.util.find_spec("rich") is None:
        sys.stderr.write("the command line needs its extra: pip install 'bento-client[cli]'\n")
        return 2
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read standard output, `head` say, wants no more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at exit
        return _HUNG_UP
    return code


def _run(arguments: Sequence[str]) -> int:
    from click.exceptions import Exit

    from ._cli import cli

    instruction = os.environ.get(COMPLETE)
    if instruction:
        from ._completion import complete

        return complete(cli, NAME, COMPLETE, instruction)
    if not arguments:
        with cli.make_context(NAME, [], resilient_parsing=True) as context:
            sys.stderr.write(cli.get_help(context) + "\n")
        return 2
    try:
        with cli.make_context(NAME, list(arguments)) as context:
            cli.invoke(context)
    except Exit as exc:
        return exc.exit_code
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as exc:  # noqa: BLE001 - told in one line, whatever it is
        from ._failures import report

        return report(exc, arguments)
    return 0
