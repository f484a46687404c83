"""The command line. Heavy libraries are imported by the commands that need them, so that `--help` answers at once."""

import sys

from mixflows.cli.app import app
from mixflows.errors import MixflowsError


def main() -> None:
    """Runs the command line.

    Exit codes: 0 done; 1 failed; 2 wrong usage or settings; 3 done, but the quality gate blocked at least one day.
    """
    try:
        code = app(standalone_mode=True)
    except MixflowsError as err:
        sys.stderr.write(f"error: {err}\n")
        code = err.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("stopped; every day is either whole or untouched, run the same command to go on\n")
        code = 130
    sys.exit(code)
