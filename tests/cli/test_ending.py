"""The end of the command line's process: nothing that was registered for it is left out, and nothing that was printed."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from mixflows.cli import main
import atexit, threading
atexit.register(print, "registered")
threading.Thread(target=lambda: (threading.main_thread().join(), print("thread"))).start()
sys.argv = ["mixflows", *{words!r}]
main()
"""


@pytest.mark.parametrize(("words", "code"), [(("--version",), 0), (("no-such-command",), 2)])
def test_threads_and_exit_functions_end_before_the_process(words: tuple[str, ...], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(words=words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stdout.splitlines()[-2:] == ["thread", "registered"]


def test_an_error_that_nobody_expected_is_told_and_ends_with_1() -> None:
    script = "import mixflows.cli as cli, mixflows.cli.app as commands\ncommands.app = lambda **_: 1 / 0\ncli.main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
