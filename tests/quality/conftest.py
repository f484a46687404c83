"""The examples of quality get the same projects as those of `tests/spec`."""

from tests.spec.conftest import engines, project

__all__ = ["engines", "project"]
