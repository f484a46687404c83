"""What every table and every column of ours is, in words; the warehouse's own catalogue shows them."""

from mixflows.settings import ColumnSettings
from mixflows.warehouse.source import REASONS

TABLES = {
    "events": "Mixpanel events, each key once: the kept copies of the source, by day. Written by mixflows.",
    "rejected": "Delivered copies that are not in the events, each with its reason. Written by mixflows.",
    "ledger": "One row per day, run and attempt: how it ended and what it cost. Append-only. Written by mixflows.",
    "quality": "One row per day, run, attempt and expectation: what was observed. Written by mixflows.",
    "profiles": "One row per day, run and attempt: what the day looked like. Append-only. Written by mixflows.",
    "landings": "One row per landed file. Written by mixflows.",
    "malformed": "Lines that could not be read as events, raw. Written by mixflows.",
    "duplicates_view": "View: each published day's duplicate rate, when it was first published and now. Made by mixflows.",
    "reasons_view": "View: rejected copies by day and reason. Made by mixflows.",
    "changed_days_view": "View: one row each time that a published day changed, with its counts. Made by mixflows.",
    "claims": "One row: which run holds which day. Written by mixflows.",
}
"""Descriptions of the tables, by role."""

VIEWS = {"duplicates_view": "ledger", "reasons_view": "rejected", "changed_days_view": "ledger"}
"""The views for analysts, each with the table that it reads, by role."""
_RUN = {
    "run_id": "The run: Prefect's flow run id, or a random one.",
    "attempt": "1 for a run's first try; a retry of the run counts on.",
    "partition_date": "The day, in the Mixpanel project's time zone.",
}
_LEDGER = {
    **_RUN,
    "plan_reason": "Why: new, changed, rules_changed, thresholds_changed, failed, lookback, requested, released, missing, adopted.",
    "status": "How it ended: published, unchanged, blocked, failed.",
    "source_rows": "Delivered copies of the day.",
    "kept_rows": "Copies that are events.",
    "rejected_rows": "Copies that are not, for whatever reason.",
    "duplicate_rows": "Valid copies beyond the first of each key.",
    "duplicate_rate": "duplicate_rows / source_rows, from 0 to 1.",
    "late_rows": "Copies that arrived more than pipeline.lookback_days after the day.",
    "inserted_rows": "Events that this attempt added.",
    "updated_rows": "Events of which another copy won now.",
    "deleted_rows": "Published copies that the source no longer had, and that were removed.",
    "source_version": "The source day as it was planned: changes when its rows may have changed.",
    "rules_version": "A hash of the rules that judged the day: key, keep, time zone, tolerance, missing ids.",
    "thresholds_version": "A hash of the quality thresholds.",
    "bytes_processed": "Bytes billed for the day by this attempt.",
    "slot_ms": "Slot milliseconds of the day's statements.",
    "step_costs": "JSON: one object per statement of the day, with step, jobs, bytes_billed and slot_ms.",
    "work_seconds": "Seconds of staging and publishing, without the gate and the wait for other days between.",
    "restated_rows": "Copies whose content changed under the same insert id and time.",
    "suppressed_rows": "Copies that a deletion list left out; 0 until there is one.",
    "retained_rows": "Published copies that the source no longer has and that policy keeps.",
    "batch_id": "The batch of days that the day was processed in.",
    "source_columns": "A hash of the source's columns and types.",
    "failed_expectations": "Names of the critical expectations that failed, sorted, with commas between.",
    "acknowledged": "Why a person lets the blocked day stand; empty where nobody does.",
    "started_at": "When the day's first statement began, UTC.",
    "finished_at": "When the day was recorded, UTC.",
    "engine": "The engine that did it.",
    "note": "What else there is to know, such as which expectation blocked the day.",
    "error": "Why the day failed.",
}
_QUALITY = {
    **_RUN,
    "suite": "figures, rows, or the reference of a suite of your own.",
    "expectation": "What was expected.",
    "severity": "warning flags the day, critical blocks it.",
    "success": "Whether it held.",
    "observed_value": "The figure, where it is one number.",
    "threshold": "The bound, where there is one.",
    "unexpected_count": "Rows that break a row expectation.",
    "note": "Why it could not be judged.",
    "checked_at": "When, UTC.",
}
_PROFILES = {
    **_RUN,
    "profile": "JSON: counts by lateness, hour, event name and origin, by each key, and of missing values.",
    "profiled_at": "When, UTC.",
}
_LANDINGS = {
    "file_name": "The file, without its folder.",
    "content_hash": "SHA-256 of the content; the same content is not landed twice.",
    "landed_at": "When, UTC.",
    "lines": "Lines of the file.",
    "source_rows": "Lines that became source rows.",
    "malformed_rows": "Lines that could not be read as events.",
    "joined_rows": "Lines that were joined with the line before, because a line feed inside a record split it.",
    "dropped_fields": "Fields beside event and properties that are not kept: properties has another value of that name.",
    "rows_per_day": "Source rows by day.",
    "project_timezone": "The time zone that the days of its rows are in.",
    "wall_clock_unit": "The unit of properties.time (s, ms), where that counts on the project's wall clock.",
    "feed": "Where the file came from: files, mixpanel; NULL for files that an earlier version landed.",
    "first_day": "The first of the whole days that the file holds, on the export's own clock; NULL where it was landed as it is.",
    "last_day": "The last of them.",
    "same_rows": "Lines of whole days that were in the source already.",
    "restated_rows": "Lines of whole days that replaced a copy with other content.",
    "new_rows": "Lines of whole days that were new.",
    "back_rows": "Lines of whole days that an earlier delivery lacked, and one before it had.",
    "gone_rows": "Copies that the source had of the whole days, and the file lacks.",
}
_MALFORMED = {
    "raw_line": "The line as it was delivered.",
    "file_name": "The file, without its folder.",
    "line_number": "Where in the file, from 1.",
    "reason": "Why it is no event.",
    "landed_at": "When, UTC.",
}
_CLAIMS = {
    "version": "Moves with every change.",
    "claims": "JSON: by day, the run that holds it and when its lease ends if it is not renewed.",
}
_DUPLICATES_VIEW = {
    **{
        name: _LEDGER[name]
        for name in ("partition_date", "source_rows", "kept_rows", "rejected_rows", "duplicate_rows")
    },
    "duplicate_rate": "duplicate_rows / source_rows, from 0 to 1, as last published.",
    "first_duplicate_rate": "The same as first published.",
    "first_published_at": "When the day was first published, UTC.",
    "last_published_at": "When the day was last published, UTC.",
    "times_taken": "How many runs published the day or found it unchanged.",
}
_REASONS_VIEW = {
    "partition_date": _RUN["partition_date"],
    "rejection_reason": "Why the copies were rejected.",
    "rejected_rows": "Rejected copies.",
    "exact_copies": "Of those, copies whose content equals that of the kept copy.",
    "first_rejected_at": "When the first of them was rejected, UTC.",
    "last_rejected_at": "When the last of them was rejected, UTC.",
}
_REJECTED = {
    "row_num": "The copy's place among the copies of its key (1 is the event); NULL for invalid copies.",
    "rejection_reason": ", ".join(REASONS) + ".",
    "rejection_timestamp": "When the copy was first found to be rejected, UTC; later runs keep it.",
    "is_exact_copy": "Whether its content equals the winner's.",
    "run_id": "The run that first rejected it.",
}


def column_descriptions(role: str, columns: ColumnSettings) -> dict[str, str]:
    """Descriptions of a table's columns, by name in lower case; of a published table, only of those with a role, and our own."""
    own = {
        "ledger": _LEDGER,
        "quality": _QUALITY,
        "profiles": _PROFILES,
        "landings": _LANDINGS,
        "malformed": _MALFORMED,
        "claims": _CLAIMS,
        "duplicates_view": _DUPLICATES_VIEW,
        "reasons_view": _REASONS_VIEW,
    }
    if role in own:
        return own[role]
    roles = {
        columns.event_name: "The event's name.",
        columns.distinct_id: "Mixpanel's id of the user.",
        columns.insert_id: "Mixpanel's $insert_id: the same on every copy of an event.",
        columns.time: "When the event happened, UTC.",
        columns.arrival: "When Mixpanel received this copy.",
        columns.loaded_at: "When this copy was landed, UTC.",
        columns.customer_id: "The customer's id, if the source has one.",
        columns.day: _RUN["partition_date"],
        "partition_date": _RUN["partition_date"],
        "properties": "The event's other properties.",
        "source_file": "The file that this copy was landed from.",
    }
    described = {name.lower(): text for name, text in roles.items() if name is not None}
    return described | _REJECTED if role == "rejected" else described
