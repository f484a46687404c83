"""What a change of the project's time zone asks for before days are planned: rows move to their new days."""

from collections.abc import Mapping
from datetime import date

from mixflows.days import FIRST_DAY, FURTHEST, LAST_DAY, each_day
from mixflows.ledger.runs import DayState
from mixflows.settings import Settings
from mixflows.warehouse.base import Warehouse


def date_anew(warehouse: Warehouse, settings: Settings, states: Mapping[date, DayState], *, accept_rules: bool) -> None:
    """Moves landed and published rows to their days in the project's time zone, if they were dated in another one.

    A moved row is neither deleted nor new: it stays published, under its new day, until that day is published anew, for which all
    of them are due. Where the source has a day column of its own that `land` did not write, the day is the user's and no row moves:
    a day whose event times lie outside of it is blocked. Moving again moves nothing, so that a run may be killed at any point.

    Args:
        states: What the ledger says of each day.
        accept_rules: Whether published days may be judged by other rules; else nothing moves while any is published under others.
    """
    published = [day for day, state in states.items() if state.is_published]
    is_other = any(states[day].published_rules != settings.rules_version for day in published)
    if is_other and not accept_rules:
        return
    warehouse.date_landed_rows()
    if is_other and warehouse.source().day is None:
        days = each_day(max(FIRST_DAY, min(published) - FURTHEST), min(LAST_DAY, max(published) + FURTHEST))
        with warehouse.transaction():
            for name in ("date_events", "date_rejected"):
                warehouse.query(name, days=days)
