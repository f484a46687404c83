"""The report in Markdown: the answer, what changed, the days to look at; for a chat or a wiki."""

from collections.abc import Iterator

from mixflows.report.answer import age, answer, near, share, spoken, what_changed
from mixflows.report.figures import DayFigures, DayState, ReportData
from mixflows.text import counted, markdown

LATEST_DAYS = 14


def to_markdown(data: ReportData) -> str:
    """The same answer as the page's, and the latest days as a table."""
    return "\n".join(_lines(data)) + "\n"


def _lines(data: ReportData) -> Iterator[str]:
    said = answer(data)
    yield f"# {said.headline}"
    yield ""
    yield f"Made {data.made_at.isoformat(timespec='milliseconds')}"
    yield ""
    yield from (f"- {markdown(reason)}" for reason in said.reasons)
    if data.since is not None:
        yield f"\n## Since {data.since:%Y-%m-%d %H:%M} UTC\n"
        for day in data.changed[:LATEST_DAYS]:
            yield f"- {day.day}: {day.state.value}" + (f", {markdown(told)}" if (told := what_changed(day)) else "")
        if len(data.changed) > LATEST_DAYS:
            yield f"- and {counted(len(data.changed) - LATEST_DAYS, 'more day')}"
        if not data.changed:
            yield "No run has changed a day since then."
    attention = [day for day in data.days[::-1] if day.state in (DayState.BLOCKED, DayState.FAILED, DayState.WARNED)]
    if attention:
        yield "\n## Days to look at\n"
        yield from (f"- {spoken(day.day)}, {day.state.value}: {_why(day)}" for day in attention[:LATEST_DAYS])
    if data.days:
        yield "\n## Latest days\n"
        yield "| day | state | source | kept | rejected | duplicate rate |"
        yield "|---|---|---:|---:|---:|---:|"
        for day in data.days[::-1][:LATEST_DAYS]:
            p = day.published
            counts = (p.source_rows, p.kept_rows, p.rejected_rows) if p else (day.source_rows, None, None)
            cells = " | ".join("" if count is None else f"{count:,}" for count in counts)
            yield f"| {day.day} | {day.state.value} | {cells} | {share(day.duplicate_rate)} |"
    if data.insights is not None and (late := data.insights.lateness) is not None:
        yield "\n## How late events arrive\n"
        yield from (f"- {near(part)} within {counted(days, 'day')}" for part, days in late.caught_by)
        yield f"- the look-back of {counted(late.lookback_days, 'day')} catches {near(late.caught_now)}"
    if data.ages:
        yield "\n## Fetched again\n"
        yield "| after | changed days | rows restated | new | back | gone |"
        yield "|---|---:|---:|---:|---:|---:|"
        for a in data.ages:
            counts = (a.days, a.restated_rows, a.new_rows, a.back_rows, a.gone_rows)
            yield f"| {age(a.after_days)} | {' | '.join(f'{count:,}' for count in counts)} |"


def _why(day: DayFigures) -> str:
    told = f"; acknowledged: {day.acknowledged}" if day.acknowledged else ""
    return markdown((day.why or " ".join(day.note.split())) + told)
