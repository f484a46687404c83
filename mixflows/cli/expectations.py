"""What `mixflows expectations` does: list, explain, try, suggest, export."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from expectations.catalogue import CATALOGUE, Described, bounds_of
from expectations.suggest import AT_LEAST_DAYS, Suggestion, judged_on_too_few_days, suggestions
from mixflows.cli.output import STANDARD_OUTPUT, console, number, print_json, styled, table_of
from mixflows.cli.session import opened_to_read
from mixflows.days import parse_day
from mixflows.errors import SettingsError, UnknownDayError
from mixflows.files import write_text
from mixflows.ledger.profiles import DayProfile, read_profiles
from mixflows.settings import Settings, load_settings, parse_assignments
from mixflows.settings.toml import toml_of
from mixflows.text import counted, plain
from mixflows.verdict import SHARES, Finding, Severity

NAMED_DAYS = 8


def run_list(config: Path | None, assignments: list[str] | None, *, as_json: bool) -> None:
    """Prints every expectation with its bounds in force."""
    settings = load_settings(config, parse_assignments(assignments or []))
    rows = [(d, *bounds_of(d, settings)) for d in CATALOGUE]
    own = [*settings.quality.figures_suites, *settings.quality.rows_suites]
    if as_json:
        print_json(
            {"expectations": [{**asdict(d), "warning": w, "critical": c} for d, w, c in rows], "own_suites": own}
        )
        return
    table = table_of(("suite", "expectation"), ("warning", "critical"), "what a day must fulfil")
    for d, warning, critical in rows:
        table.add_row(d.suite, d.name, _bound(d, warning), _bound(d, critical), d.demands)
    console.print(table)
    for reference in own:
        console.print(f"Your own suite: {reference}")
    console.print("\nBounds are sections [quality.NAME] of the settings: warning flags a day, critical blocks it.")


def run_explain(config: Path | None, assignments: list[str] | None, name: str, *, as_json: bool) -> None:
    """Prints what one expectation is about, and how the days fared under it.

    Raises:
        SettingsError: There is none of that name.
    """
    found = [d for d in CATALOGUE if d.name == name]
    if not found:
        known = ", ".join(dict.fromkeys(d.name for d in CATALOGUE))
        raise SettingsError(f"there is no expectation {name!r}", f"There are: {known}.")
    settings, warehouse = opened_to_read(config, assignments)
    results = [row for row in warehouse.query("report_findings", {"failed_only": False}) if row["expectation"] == name]
    failed = sorted({row["partition_date"] for row in results if not row["success"]})
    days = {row["partition_date"] for row in results}
    if as_json:
        told = [{**asdict(d), **dict(zip(("warning", "critical"), bounds_of(d, settings), strict=True))} for d in found]
        print_json({"expectation": told, "days": len(days), "failed_days": failed})
        return
    for d in found:
        warning, critical = bounds_of(d, settings)
        console.print(styled(d.name, "bold"), f"({d.suite} suite, {d.unit})\n  {d.demands}")
        console.print(f"  warning: {_bound(d, warning) or 'none'}; critical: {_bound(d, critical) or 'none'}")
        console.print(f"  If it fails: {d.why}\n  What to do: {d.advice}")
    console.print(f"\nJudged on {counted(len(days), 'day')}, failed on {number(len(failed))}{_listed(failed)}.")


def run_try(config: Path | None, assignments: list[str] | None, day: str | None, *, as_json: bool) -> None:
    """Judges days again by these settings, from what was counted when they were staged; reads and writes no event.

    Raises:
        UnknownDayError: No run has staged the day.
    """
    from expectations.gate import judge_rows_of_figures, stored_rows

    settings, stored = _stored(config, assignments)
    wanted = {parse_day(day)} if day else set(stored)
    if missing := wanted - stored.keys():
        raise UnknownDayError(f"no run has staged {min(missing)}", "Run the day first; then its figures are known.")
    found = judge_rows_of_figures(settings, stored_rows(settings, stored, wanted))
    if as_json:
        print_json({str(d): [asdict(f) for f in findings] for d, findings in found.items()})
        return
    if day:
        _print_findings(found[parse_day(day)])
    blocked = [d for d, findings in found.items() if any(_blocks(f) for f in findings)]
    flagged = [d for d, findings in found.items() if d not in blocked and any(not f.success for f in findings)]
    console.print(
        f"With these settings, {counted(len(found), 'day')}: {number(len(blocked))} blocked{_listed(blocked)},"
        f" {number(len(flagged))} flagged{_listed(flagged)}. Nothing was changed; the rows suite was not run."
    )
    if not day:
        for d in [*blocked, *flagged][:NAMED_DAYS]:
            console.print(f"{d}: {'; '.join(dict.fromkeys(str(f) for f in found[d] if not f.success))}")


def run_suggest(config: Path | None, assignments: list[str] | None, *, as_json: bool) -> None:
    """Prints bounds that fit the past, and the days that each would have flagged or blocked."""
    from expectations.gate import stored_rows

    settings, stored = _stored(config, assignments)
    rows = stored_rows(settings, stored, set(stored))
    found = suggestions(rows, settings)
    if as_json:
        print_json([asdict(s) | {"now": s.now.model_dump(), "proposed": s.proposed.model_dump()} for s in found])
        return
    judged = judged_on_too_few_days(rows)
    few = ", ".join(f"{name} ({days})" for name, days in judged.items())
    if not found:
        so_far = few
        if not any(judged.values()):
            so_far = (
                f"none. Days of fewer than {number(settings.quality.min_rows)} rows (quality.min_rows) do not count"
            )
        console.print(
            f"Nothing is proposed before an expectation was judged on {AT_LEAST_DAYS} days; so far: {so_far}."
        )
        return
    units = {d.name: d for d in CATALOGUE}
    table = table_of(("expectation",))
    for name in ("usual", "90 % of days", "highest", "warning now", "proposed", "would flag", "would block"):
        table.add_column(name, justify="right")
    for s in found:
        d = units[s.name]
        cells = [_bound(d, s.usual), _bound(d, s.high), f"{_bound(d, s.highest[1])} ({s.highest[0]})"]
        cells += [_bound(d, s.now.warning), _bound(d, s.proposed.warning), _days(s.flagged), _days(s.blocked)]
        table.add_row(s.name, *cells)
    console.print(table)
    for s in found:
        if s.flagged or s.blocked:
            console.print(
                f"{s.name}: would flag{_listed(list(s.flagged))}; would block{_listed(list(s.blocked)) or ' none'}"
            )
    if few:
        console.print(f"Judged on fewer than {AT_LEAST_DAYS} days, and not proposed: {few}.")
    console.print("\nFor mixflows.toml, what is worth a change:\n")
    console.print(_as_toml(settings, found))


def run_export(config: Path | None, assignments: list[str] | None, out: Path, *, as_json: bool) -> None:
    """Writes the suites as Great Expectations' own JSON, a file each; the rows suite for one day, as it is built for each.

    Raises:
        SettingsError: A suite of the user's own cannot be built.
        OutputError: A file cannot be written.
    """
    from expectations.gate import figures_suites, rows_suites

    settings = load_settings(config, parse_assignments(assignments or []))
    suites = {**figures_suites(settings), **rows_suites(settings, date(2024, 1, 1), str)}
    texts = {name: suite.to_json_dict() for name, suite in suites.items()}
    if out == STANDARD_OUTPUT:
        print_json(texts)
        return
    written: list[str] = []
    for name, text in texts.items():
        file = out / f"{name.replace(':', '.')}.json"
        write_text(file, json.dumps(text, indent=2) + "\n", "a suite")
        written.append(str(file))
    if as_json:
        print_json({"written": written})
    else:
        console.print("\n".join(f"wrote {plain(file)}" for file in written))


def _stored(config: Path | None, assignments: list[str] | None) -> tuple[Settings, dict[date, DayProfile]]:
    settings, warehouse = opened_to_read(config, assignments)
    return settings, read_profiles(warehouse)


def _print_findings(findings: list[Finding]) -> None:
    table = table_of(("", "severity", "expectation"), ("seen", "allowed"), "note")
    units = {d.name: d for d in CATALOGUE}
    for f in sorted(findings, key=lambda f: (f.success, f.severity)):
        d = units.get(f.expectation)
        how = "pass" if f.success else styled("BLOCKS", "red") if _blocks(f) else styled("flags", "yellow")
        table.add_row(how, f.severity, f.expectation, _bound(d, f.observed_value), _bound(d, f.threshold), f.note)
    console.print(table)


def _blocks(finding: Finding) -> bool:
    return not finding.success and finding.severity is Severity.CRITICAL


def _bound(described: Described | None, value: float | None) -> str:
    if value is None:
        return ""
    if described is not None and (described.unit == "share" or described.name.endswith(SHARES)):
        return f"{value:.3g}" if value in (0, 1) else f"{value:.3g} ({value:.3%})" if value < 0.001 else f"{value:.3g}"
    return f"{value:,.3g}"


def _listed(days: list[date]) -> str:
    if not days:
        return ""
    more = len(days) - NAMED_DAYS
    return f" ({', '.join(map(str, days[-NAMED_DAYS:]))}{f' and {more:,} earlier' if more > 0 else ''})"


def _days(days: tuple[date, ...]) -> str:
    return counted(len(days), "day") if days else "none"


def _as_toml(settings: Settings, found: list[Suggestion]) -> str:
    changed: dict[str, Any] = {
        s.name: s.proposed
        for s in found
        if s.flagged != s.flagged_now or (s.now.warning or 0) > 4 * (s.proposed.warning or 0)
    }
    if not changed:
        return "(nothing: the bounds in force fit)"
    quality = settings.quality.model_copy(update=changed)
    text = toml_of(settings.model_copy(update={"quality": quality}))
    sections = [part for part in text.split("\n\n") if any(f"[quality.{name}]" in part for name in changed)]
    return "\n\n".join(sections)
