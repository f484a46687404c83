"""Reports of real days get the same projects as `tests/spec`."""

from tests.spec.conftest import engines, project

__all__ = ["engines", "project"]
