"""A blocked day that a person decides on: what has to be true before it is released or acknowledged."""

from datetime import date

from mixflows.errors import DayError, UsageError
from mixflows.ledger.runs import DayState, day_states
from mixflows.model import Status
from mixflows.text import plain
from mixflows.warehouse.base import Warehouse


def decided_on(
    warehouse: Warehouse, day: date, because: str, decision: str, refused: type[DayError]
) -> tuple[DayState, str]:
    """The state of a blocked day, and the reason of a person's decision as one line of text.

    Args:
        decision: As a participle, such as `released`.
        refused: The error of that decision.

    Raises:
        UsageError: There is no reason.
        DayError: Of the type `refused`: the day is not blocked.
    """
    reason = plain(" ".join(because.split()))
    if not reason:
        raise UsageError(f"{day} is not {decision} without a reason", 'Say why: --because "…".')
    state = day_states(warehouse).get(day)
    if state is None or state.status is not Status.BLOCKED:
        how = f"it is {state.status.value}" if state else "no run has taken it"
        raise refused(f"{day} is not blocked: {how}", f"Only blocked days are {decision}.")
    return state, reason
