"""Great Expectations, imported once and without its noise.

Import its names from here: the import takes seconds, and warns of a module that the standard library has deprecated.
"""

import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

UNUSED = ("scipy.stats", "altair", "google.cloud.secretmanager", "jsonschema")
"""What Great Expectations imports for expectations and stores that are not ours: a third of its import's time, and more."""

_importing = threading.Lock()


class _OnUse:
    """Finds modules that are executed when they are first used; see `importlib.util.LazyLoader`."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`."""
        spec = PathFinder.find_spec(name, path, target) if name in UNUSED else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextmanager
def _unused_on_use() -> Iterator[None]:
    sys.meta_path.insert(0, _OnUse)
    try:
        yield
    finally:
        sys.meta_path.remove(_OnUse)


with warnings.catch_warnings(), _unused_on_use():
    warnings.simplefilter("ignore")
    import great_expectations as gx
    from great_expectations.core import ExpectationSuite, ExpectationValidationResult
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.datasource.fluent.interfaces import Batch, TestConnectionError
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
    from great_expectations.expectations.core.expect_column_values_to_be_null import ExpectColumnValuesToBeNull
    from great_expectations.expectations.core.expect_column_values_to_not_be_null import ExpectColumnValuesToNotBeNull
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
    from great_expectations.expectations.expectation import (
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        Expectation,
        MulticolumnMapExpectation,
    )
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.row_conditions import Column

__all__ = [
    "Batch",
    "BatchDefinition",
    "Column",
    "ColumnMapExpectation",
    "ColumnPairMapExpectation",
    "EphemeralDataContext",
    "ExpectColumnValuesToBeBetween",
    "ExpectColumnValuesToBeInSet",
    "ExpectColumnValuesToBeNull",
    "ExpectColumnValuesToNotBeNull",
    "Expectation",
    "ExpectationSuite",
    "ExpectationValidationResult",
    "FailureSeverity",
    "MulticolumnMapExpectation",
    "SQLDatasource",
    "SqlAlchemyExecutionEngine",
    "TestConnectionError",
    "UnexpectedRowsExpectation",
    "import_unused",
    "quiet_context",
]


def import_unused() -> None:
    """Imports what was put off; before Python 3.12.3, two threads must not be the first to use such a module at a time."""
    with _importing:
        for name in UNUSED:
            _ = getattr(sys.modules.get(name), "__doc__", None)


def quiet_context() -> EphemeralDataContext:
    """A context of its own for one judgement: nothing on disk, no progress bars, no analytics, no data docs.

    Contexts are not shared, as their data sources are not safe to share between threads.
    """
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        ),
    )
