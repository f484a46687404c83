"""Our own tables as an earlier version made them, with fewer columns."""

from tests.spec.project import Project

OLD_LEDGER = {"run_id": "STRING", "attempt": "INT64", "partition_date": "DATE", "status": "STRING"}


def test_a_ledger_that_lacks_columns_gets_them_and_keeps_its_rows(project: Project) -> None:
    tables = project.settings.tables
    project.engine.create_table(tables.ledger, OLD_LEDGER)
    project.engine.insert(
        tables.ledger, [{"run_id": "old", "attempt": 1, "partition_date": "2020-01-01", "status": "failed"}]
    )
    project.deliver("""
        id | time  | arrival
        a  | 10:00 | 10:01
    """)
    project.run()
    rows = {row["run_id"]: row for row in project.engine.rows(tables.ledger)}
    old = rows.pop("old")
    (new,) = rows.values()
    assert (old["status"], old["work_seconds"]) == ("failed", None)
    assert new["status"] == "published"
    assert float(str(new["work_seconds"])) > 0
