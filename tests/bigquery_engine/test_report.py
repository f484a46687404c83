"""The report of every night reads metadata and the ledger, never a published row."""

from mixflows.report.data import collect
from tests.bigquery_engine.place import Place
from tests.spec.project import Project
from tests.spec.tables import DAY

DELIVERED = """
    id | time  | arrival
    a  | 10:00 | 10:05
    a  | 10:00 | 10:06
    a  | 10:00 | 10:07
    -  | 11:00 | 11:01
    b  | +1d 10:00 | +1d 10:05
"""


def test_the_report_reads_no_published_row_unless_a_day_is_not_as_it_was_staged(project: Project, place: Place) -> None:
    project.deliver(DELIVERED)
    project.run()

    def read() -> tuple[list[tuple[int, int, tuple[tuple[str, int], ...]]], list[str]]:
        before = {job.job_id for job in place.jobs()}
        days = collect(project.warehouse, project.settings).days
        statements = [job.query for job in place.jobs() if job.job_id not in before]
        names = [f"`{place.table(name)}`" for name in ("mp_events", "mp_rejected_events")]
        figures = [
            (d.published.kept_rows, d.published.rejected_rows, d.rejected_by_reason) for d in days if d.published
        ]
        return figures, [text for text in statements if any(name in text for name in names)]

    reasons = (("Duplicate event", 2), ("Missing insert id", 1))
    assert read() == ([(1, 3, reasons), (1, 0, ())], [])

    place.sql(f"DELETE FROM `{place.table('mp_rejected_events')}` WHERE partition_date = '{DAY}' AND row_num = 3")
    figures, statements = read()
    assert figures == [(1, 2, (("Duplicate event", 1), ("Missing insert id", 1))), (1, 0, ())]
    assert ["mp_rejected_events" in text for text in statements] == [True]
