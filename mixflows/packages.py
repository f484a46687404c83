"""The packages that are installed with mixflows: a folder of the user's may have the name of one, and hide it."""

import sys
from importlib.machinery import PathFinder
from pathlib import Path

from mixflows.errors import UsageError

INSTALLED_TOGETHER = ("mixflows", "deployments", "expectations", "flows", "tasks")


def refuse_hidden_packages(runs_start_in: Path | None = None) -> None:
    """Checks that Python finds all packages of mixflows in one place; imports none of them.

    Args:
        runs_start_in: The folder in which Prefect will start the runs, which it puts first on their path.

    Raises:
        UsageError: It finds another module of that name first.
    """
    path = [*([str(runs_start_in)] if runs_start_in else []), *sys.path]
    home: Path | None = None
    for name in INSTALLED_TOGETHER:
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.origin is None:
            continue
        found = Path(spec.origin).resolve()
        home = home or found.parents[1]
        if found == home / name / "__init__.py":
            continue
        found = found.parent if found.name == "__init__.py" else found
        raise UsageError(
            f"{found} hides the package {name} of mixflows",
            f"Rename it, or keep {found.parent} off Python's path: take it out of PYTHONPATH, start `mixflows` rather than"
            " `python -m mixflows`, and serve or deploy from another folder (`--config` or MIXFLOWS_CONFIG name the settings file).",
        )
