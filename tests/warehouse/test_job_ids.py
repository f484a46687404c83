"""Ids of BigQuery's jobs: the same in a repeated request, and another in every attempt of a run."""

from datetime import date
from itertools import product

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from mixflows.model import Run
from mixflows.settings import BigQuerySettings
from mixflows.warehouse.bigquery.jobs import Jobs, Step

RUN = "6238dc66-19e9-422c-8bf2-d80a025236b6"


def ids() -> dict[tuple[int, int, str], str]:
    """What one process calls the jobs of two attempts of two days."""
    jobs = Jobs(bigquery.Client("project", AnonymousCredentials()), BigQuerySettings())
    steps = product((1, 2), (1, 2), ("stage", "whole_events"))
    return {
        step: jobs.job_id(Step(step[2], Run(RUN, step[0]), date(2024, 1, step[1])), "SELECT 1", []) for step in steps
    }


def test_a_retry_of_a_run_never_meets_the_jobs_of_the_attempt_before() -> None:
    found = ids()
    assert len(set(found.values())) == len(found)
    assert found[2, 1, "stage"].startswith(f"mixflows_{RUN}_2_20240101_stage_1_")


def test_another_process_calls_the_same_jobs_the_same() -> None:
    assert ids() == ids()
