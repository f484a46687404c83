"""The user's own suites, named in the settings as `module:function`."""

import importlib
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from expectations.gx import ExpectationSuite
from expectations.thresholds import Thresholds
from mixflows.errors import SettingsError

SIGNATURE = "Write it as: def NAME(thresholds) -> gx.ExpectationSuite. See docs/expectations.md."


def build(reference: str, thresholds: Thresholds, folder: Path) -> ExpectationSuite:
    """Imports a user's function and builds the suite from the thresholds.

    Args:
        reference: `module:function`; the module is looked for where Python looks, then in the folder.
        thresholds: What the function is called with.
        folder: The settings file's.

    Raises:
        SettingsError: The module or function is not there, cannot be imported or called, or returns no suite.
    """
    try:
        with redirect_stdout(sys.stderr):  # what it prints is no part of a command's output
            suite = _function(reference, folder)(thresholds)
    except SettingsError:
        raise
    except Exception as err:
        raise SettingsError(
            f"the suite {reference!r} could not be built: {type(err).__name__}: {err}", SIGNATURE
        ) from err
    if not isinstance(suite, ExpectationSuite):
        raise SettingsError(f"{reference!r} returned a {type(suite).__name__}, not an ExpectationSuite", SIGNATURE)
    return suite


def _function(reference: str, folder: Path) -> Callable[[Thresholds], object]:
    module_name, _, name = reference.partition(":")
    here = str(folder.resolve())
    if here not in sys.path:
        sys.path.append(here)  # last, so that nothing here can stand in for an installed module
    try:
        module = importlib.import_module(module_name)
    except Exception as err:
        raise SettingsError(
            f"the suite {reference!r} cannot be imported: {type(err).__name__}: {err}",
            f"The module {module_name} must be installed, or lie in {folder.resolve()}, beside the settings file.",
        ) from err
    function = getattr(module, name, None)
    if not callable(function):
        what = "has no function" if function is None else "has, but not as a function,"
        raise SettingsError(f"the suite {reference!r} is not there: module {module_name} {what} {name!r}", SIGNATURE)
    return function
