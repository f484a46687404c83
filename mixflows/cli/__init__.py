"""The command line. Heavy libraries are imported by the commands that need them, so that `--help` answers at once."""

import sys

from mixflows.cli.ending import ends_with  # before all else that registers something to be called at exit

# isort: split
from mixflows.cli import ahead
from mixflows.cli.interrupt import INTERRUPTED, leave
from mixflows.collecting import collect_seldom
from mixflows.errors import MixflowsError


def main() -> None:
    """The process of the command line.

    Exit codes: 0 done; 1 failed; 2 wrong usage or settings; 3 done, but the quality gate blocked at least one day;
    130 stopped with Ctrl-C.
    """
    collect_seldom()
    ahead.begin(sys.argv[1:])
    code = run_command()
    ends_with(code)
    sys.exit(code)


def run_command() -> int:
    """Runs the command that `sys.argv` names.

    Returns:
        The exit code.
    """
    from mixflows.cli.app import app

    try:
        app(prog_name="mixflows")
    except MixflowsError as err:
        sys.stderr.write(f"error: {err}\n")
        return err.exit_code
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            leave()
        if isinstance(ended.code, str):  # a user's suite may leave like this
            sys.stderr.write(f"{ended.code}\n")
            return 1
        return ended.code or 0
    return 0
