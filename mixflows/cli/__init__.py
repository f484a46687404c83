"""The command line. Heavy libraries are imported by the commands that need them, so that `--help` answers at once."""

import sys
import traceback

from mixflows.cli.app import app
from mixflows.errors import MixflowsError

INTERRUPTED = 130
"""What typer makes of Ctrl-C: 128 and the signal's number."""


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
            sys.stderr.write("stopped: every day and every file is whole or untouched; run the same command to go on\n")
            _let_go(ended)
        raise


def _let_go(error: BaseException | None) -> None:
    """Empties the frames that an error came through.

    Prefect's threads may hold on to them; a DuckDB connection among them would complain at length when Python ends.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
