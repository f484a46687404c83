"""The flow `fetch`: days from Mixpanel's export API into the source table."""

from datetime import date

from prefect import flow
from prefect.client.schemas.objects import State

from mixflows.days import DayRange
from mixflows.pipeline.fetch import FetchedDays
from tasks.fetching import fetch_days, fetched_state, plan_days
from tasks.names import fetch_name
from tasks.runs import NO_RESULTS, held_elsewhere, settings_of


@flow(name="fetch", flow_run_name=fetch_name, retries=0, persist_result=False, result_storage=NO_RESULTS)
@held_elsewhere
def fetch(
    start: date | None = None,
    end: date | None = None,
    accept_shrink: list[date] | None = None,
    config: str | None = None,
    assignments: list[str] | None = None,
) -> State[list[FetchedDays]]:
    """Fetches the days of a range; without one, all that is due. Days that fail do not stop the others.

    Args:
        start: The first day, on the clock of Mixpanel's export.
        end: The last day, included.
        accept_shrink: Days that may lose events.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`; never a secret.
    """
    settings = settings_of(config, assignments or [])
    days = DayRange(start, end) if start or end else None
    return fetched_state(fetch_days(settings, plan_days(settings, days, frozenset(accept_shrink or []))))
