"""What `inspect`, `release` and `explain` do: a day, or an event, is looked at; a blocked day is released."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.table import Table

from mixflows.cli.output import console, number, outcome_json, print_json, rate, styled, table_of
from mixflows.cli.session import command, opened_source, opened_to_read, renew_report
from mixflows.days import parse_day
from mixflows.ledger.standing import commands_for
from mixflows.model import Run, Status
from mixflows.pipeline.acknowledge import acknowledge_day
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.explain import story
from mixflows.pipeline.inspect import Inspection, facts, inspect_day
from mixflows.pipeline.release import release_day
from mixflows.profile.breakdown import Counts, part_label
from mixflows.profile.samples import Sample
from mixflows.settings import load_settings, parse_assignments
from mixflows.text import NAME_LENGTH, counted, plain
from mixflows.verdict import Severity

SHOWN_ITEMS = 6
"""Items of a part that `inspect` prints, those with the most faults first."""


def run_inspect(config: Path | None, assignments: list[str] | None, day: str, *, as_json: bool) -> None:
    """Stages a day, and prints why it is as it is; publishes nothing."""
    from expectations.gate import GreatExpectationsAuditor

    settings = load_settings(config, parse_assignments(assignments or []))
    warehouse = opened_source(settings)
    auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
    found = inspect_day(RunContext(warehouse, settings, Run(f"inspect-{uuid4()}")), parse_day(day), auditor)
    if as_json:
        print_json(inspection_json(found))
        return
    _print_inspection(found, config)


def run_release(config: Path | None, assignments: list[str] | None, day: str, because: str, *, as_json: bool) -> int:
    """Publishes a blocked day as it is, says so, and renews the report where the settings name its file.

    Returns:
        The exit code.
    """
    from expectations.gate import GreatExpectationsAuditor

    settings = load_settings(config, parse_assignments(assignments or []))
    warehouse = opened_source(settings)
    warehouse.create_tables()
    auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
    outcome = release_day(RunContext(warehouse, settings, Run(f"release-{uuid4()}")), parse_day(day), because, auditor)
    if as_json:
        print_json(outcome_json(outcome))
    else:
        row = outcome.row
        counts = "" if row.error else f"{number(row.kept_rows)} kept, {number(row.rejected_rows)} rejected. "
        console.print(f"{row.partition_date} {row.status}: {counts}{row.note or row.error}")
    renew_report(warehouse, settings)
    return 0 if not outcome.row.error else 1


def run_acknowledge(
    config: Path | None, assignments: list[str] | None, day: str, because: str, *, as_json: bool
) -> None:
    """Lets a blocked day stand, says so, and renews the report where the settings name its file."""
    settings = load_settings(config, parse_assignments(assignments or []))
    warehouse = opened_source(settings)
    warehouse.create_tables()
    row = acknowledge_day(RunContext(warehouse, settings, Run(f"acknowledge-{uuid4()}")), parse_day(day), because)
    if as_json:
        print_json({"day": row.partition_date, "status": row.status, "note": row.note})
    else:
        console.print(f"{row.partition_date} stays {row.status}; {row.note}")
        console.print("It counts for no exit code until its source or its verdict changes.")
    renew_report(warehouse, settings)


def run_explain_event(
    config: Path | None,
    assignments: list[str] | None,
    insert_id: str,
    day: str | None,
    distinct_id: str,
    *,
    as_json: bool,
) -> int:
    """Prints every copy of an event.

    Returns:
        The exit code: 1 where there is no copy.
    """
    settings, warehouse = opened_to_read(config, assignments)
    warehouse.source()
    copies = story(warehouse, settings, insert_id, [parse_day(day)] if day else (), distinct_id)
    if as_json:
        print_json([asdict(copy) for copy in copies])
        return 0 if copies else 1
    if not copies:
        console.print(
            "No copy has this insert id, neither published nor in the source of a day that is not published as it is now."
            " Rows without a day are not searched."
        )
        return 1
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("day", "event", "time", "arrived", "where"):
        table.add_column(name, no_wrap=name != "event", overflow="fold")
    table.add_column("what became of it", overflow="fold")
    for copy in copies:
        since = f", first rejected {copy.rejected_at:%Y-%m-%d %H:%M}" if copy.rejected_at else ""
        run = f", run {copy.run_id[:8]}" if copy.run_id else ""
        file = f", from {copy.source_file}" if copy.source_file else ""
        table.add_row(
            str(copy.day or ""), plain(copy.event, NAME_LENGTH), _instant(copy.time), _instant(copy.arrived_at), copy.place,
            f"{copy.why}{since}{run}{file}",
        )  # fmt: skip
    console.print(table)
    places = {place: sum(copy.place == place for copy in copies) for place in dict.fromkeys(c.place for c in copies)}
    console.print(f"\n{counted(len(copies), 'copy', 'copies')}: " + ", ".join(f"{n} in {p}" for p, n in places.items()))
    return 0


def inspection_json(found: Inspection) -> dict[str, Any]:
    """An inspection for programs."""
    return {
        "day": found.staged.day,
        "state": asdict(found.state) if found.state else None,
        "source_version": found.staged.planned.source_version,
        "changed_since": found.changed_since,
        "why": found.why,
        "facts": facts(found),
        "breakdown": {
            part: {name: asdict(counts) for name, counts in items.items()}
            for part, items in found.breakdown.parts.items()
        },
        "rejected_sql": found.rejected_sql,
        "findings": [asdict(finding) for finding in found.verdict.findings],
        "samples": [sample.to_record() for sample in found.samples],
    }


def _print_inspection(found: Inspection, config: Path | None) -> None:
    day, state = found.staged.day, found.state
    console.print(
        styled(day, "bold"), f"is {state.status.value} (run {state.run_id[:8]})" if state else "was never taken"
    )
    if found.changed_since:
        console.print(styled("Its source has changed since; this is what it holds now.", "yellow"))
    failed = [f for f in found.verdict.findings if not f.success]
    if found.why:
        console.print(found.why)
    if state is not None and state.status is Status.BLOCKED and not found.changed_since:
        names = tuple(dict.fromkeys(f.expectation for f in failed if f.severity is Severity.CRITICAL))
        for line in commands_for(day, state.status, names, command=partial(command, config=config))[1:]:
            console.print(f"  {line}")
    console.print()
    table = table_of(("",), ("",))
    table.show_header = False
    for name, value in facts(found).items():
        table.add_row(name, number(value))
    console.print(table)
    console.print("\nEvery expectation passes." if not failed else "\nExpectations that fail:")
    for finding in sorted(failed, key=lambda f: f.severity):
        console.print(f"  {'blocks:' if finding.severity is Severity.CRITICAL else 'flags: '} {finding}")
    for part, items in found.breakdown.parts.items():
        console.print(f"\nBy {part_label(part)}:")
        console.print(_breakdown_table(items))
    if found.samples:
        console.print(
            "\nSamples of rejected copies, beside their winners (values are shown by quality.shown_properties):"
        )
        for sample in found.samples:
            for line in sample_lines(sample):
                console.print(f"  {line}")
        if shown := next((sample.insert_id for sample in found.samples if sample.insert_id), ""):
            words = ("explain", "--insert-id", shlex.quote(shown), "--day", str(day))
            console.print(f"\nShow every copy of one of them with: {command(*words, config=config)}")
    console.print(f"\nSelect its rejected rows with:\n{found.rejected_sql}")


def _breakdown_table(items: Mapping[str, Counts]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", overflow="fold")
    for name in ("rows", "duplicates", "duplicate rate", "of all duplicates"):
        table.add_column(name, justify="right", no_wrap=True)
    duplicates = sum(counts.duplicates for counts in items.values())
    named = sorted(items.items(), key=lambda item: (-item[1].faults, -item[1].rows))[:SHOWN_ITEMS]
    for name, counts in named:
        table.add_row(
            plain(name, NAME_LENGTH),
            number(counts.rows),
            number(counts.duplicates),
            rate(counts.duplicates / counts.rows if counts.rows else None),
            rate(counts.duplicates / duplicates if duplicates else None),
        )
    return table


def sample_lines(sample: Sample) -> Sequence[str]:
    """A sample in words."""
    which = ", ".join(filter(None, (sample.event, sample.insert_id and f"insert id {sample.insert_id}", sample.time)))
    if sample.exact is None:
        return [f"{which}: {sample.reason}"]
    later = "" if sample.later_ms is None else f", {sample.later_ms / 1000:,.0f} s after it"
    head = f"{which}: {'exact copy of' if sample.exact else 'differs from'} its winner{later}; {sample.same} properties alike"
    return [head, *(f"    {d.name}: {d.winner} | {d.copy}" for d in sample.differences)]


def _instant(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if value else ""
