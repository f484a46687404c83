from mixflows.model import Run
from tests.bigquery_engine.place import Place
from tests.spec.project import LetAll, Project


def test_first(project: Project, place: Place) -> None:
    project.deliver("""
        id | time  | arrival | properties
        a  | 10:00 | 10:05   | {"n": 1}
        a  | 10:00 | 10:06   | {"n": 2}
        b  | 11:00 | 11:01   | {"n": 3}
        -  | 11:00 | 11:01   | {"n": 3}
    """)
    project.run(run=Run("r1"), auditor=LetAll())
    project.has_events("""
        id | time  | arrival | properties
        a  | 10:00 | 10:05   | {"n": 1}
        b  | 11:00 | 11:01   | {"n": 3}
    """)
    for job in place.jobs(): print(job.job_id, job.labels, job.state, job.statement_type)
    print(place.jobs('r1')[-2].query)
