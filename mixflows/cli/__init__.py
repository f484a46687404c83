"""The command line. Heavy libraries are imported by the commands that need them, so that `--help` answers at once."""

import sys

from mixflows.cli.interrupt import INTERRUPTED, STOPPED, stoppable
from mixflows.errors import MixflowsError
from mixflows.text import plain_lines


def main() -> None:
    """The process of the command line.

    Exit codes: 0 done; 1 failed; 2 wrong usage or settings; 3 done, but the quality gate blocked at least one day;
    130 stopped by Ctrl-C, SIGTERM or SIGHUP.
    """
    sys.exit(run_command())


def run_command() -> int:
    """Runs the command that `sys.argv` names.

    Returns:
        The exit code.
    """
    try:
        with stoppable():
            from mixflows.cli.app import app

            app(prog_name="mixflows")
    except KeyboardInterrupt:
        sys.stderr.write(STOPPED)
        return INTERRUPTED
    except MixflowsError as err:
        sys.stderr.write(f"error: {err}\n")
        return err.exit_code
    except SystemExit as ended:
        if isinstance(ended.code, str):  # a user's suite may leave like this
            sys.stderr.write(f"{plain_lines(ended.code)}\n")
            return 1
        return ended.code or 0
    return 0
