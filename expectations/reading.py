"""What a result of Great Expectations says, in our words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from expectations.gx import Expectation, ExpectationValidationResult, FailureSeverity
from mixflows.model import Severity

ERRORS_WITHOUT_DATA = ("Error: The column", "Binder Error", "Catalog Error", "Parser Error")


@dataclass(frozen=True)
class Reading:
    """One expectation's result on one batch.

    Attributes:
        name: `meta["name"]` of the expectation, else its type and columns.
        type: The expectation's class in snake case, as Great Expectations names it.
        threshold: The greatest number allowed, where there is one.
        minimum: The smallest number allowed, where there is one.
        columns: The columns it is about.
        error: Why it could not be judged; empty where it could.
    """

    name: str
    type: str
    severity: Severity
    success: bool
    threshold: float | None
    minimum: float | None
    columns: tuple[str, ...]
    result: Mapping[str, Any]
    error: str

    @classmethod
    def of(cls, expectation: Expectation, result: ExpectationValidationResult) -> "Reading":
        """Reads the result of an expectation."""
        config = expectation.configuration
        columns = _columns(config.kwargs)
        given = (config.meta or {}).get("name")
        return cls(
            name=str(given) if given else f"{config.type}({', '.join(columns)})" if columns else config.type,
            type=config.type,
            severity=Severity.CRITICAL if expectation.severity == FailureSeverity.CRITICAL else Severity.WARNING,
            success=bool(result.success),
            threshold=_number(config.kwargs.get("max_value")),
            minimum=_number(config.kwargs.get("min_value")),
            columns=columns,
            result=result.result or {},
            error=_error(result.exception_info or {}),
        )

    @property
    def error_without_data(self) -> str:
        """The error as far as it cannot quote a row: engines quote the value that they stumbled over."""
        message = re.sub(r"^\(\S+\) ", "", self.error)
        kind, colon, _ = message.partition(":")
        return message if message.startswith(ERRORS_WITHOUT_DATA) else kind if colon else "unknown error"


def _columns(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if isinstance(kwargs.get(key), str)]
    return (*named, *(name for name in kwargs.get("column_list") or () if isinstance(name, str)))


def _number(bound: object) -> float | None:
    return float(bound) if isinstance(bound, int | float) and not isinstance(bound, bool) else None


def _error(info: Mapping[str, Any]) -> str:
    raised = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, Mapping)]
    messages = [str(entry.get("exception_message") or "unknown") for entry in raised if entry.get("raised_exception")]
    return messages[0].strip().splitlines()[0] if messages else ""
