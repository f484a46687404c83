"""The command line. Heavy libraries are imported by the commands that need them, so that `--help` answers at once."""

import sys

from mixflows.cli.app import app
from mixflows.cli.interrupt import INTERRUPTED, leave
from mixflows.errors import MixflowsError


def main() -> None:
    """Runs the command line.

    Exit codes: 0 done; 1 failed; 2 wrong usage or settings; 3 done, but the quality gate blocked at least one day;
    130 stopped with Ctrl-C.
    """
    try:
        app(prog_name="mixflows")
    except MixflowsError as err:
        sys.stderr.write(f"error: {err}\n")
        sys.exit(err.exit_code)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            leave()
        raise
