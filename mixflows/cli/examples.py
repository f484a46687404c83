"""Examples for `--help`: a few lines per command that can be copied, each with what it does as a shell comment."""

EXAMPLES = {
    "": (
        ("mixflows demo", "a month of example events, up to the report"),
        ("mixflows land exports/", "load Mixpanel's raw-export files"),
        ("mixflows run", "publish what is new or changed"),
        ("mixflows report --open", "is the table right?"),
    ),
    "demo": (
        ("mixflows demo", "the events end yesterday"),
        ("mixflows demo --until 2026-07-01", "the same counts on fixed dates"),
        ("mixflows demo --folder elsewhere --no-prefect", "another folder, without Prefect"),
        ("mixflows demo --fetch", "the events come from a stand-in of Mixpanel's export API"),
    ),
    "init": (
        ("mixflows init", "DuckDB: mixflows.toml and the tables"),
        ("mixflows init --source my-project.mixpanel.mp_master_event", "BigQuery"),
    ),
    "doctor": (
        ("mixflows doctor", "check the setup, with a fix for each finding"),
        ("mixflows doctor --json", "the same for a monitor"),
    ),
    "fetch": (
        ("mixflows fetch --dry-run", "which days are due, and how many queries"),
        ("mixflows fetch", "fetch all that is due"),
        ("mixflows fetch --start 2026-06-01 --end 2026-06-07", "a week, whatever is due"),
    ),
    "land": (
        ("mixflows land exports/", "every file of a folder"),
        ("mixflows land 'exports/2026-06-*.jsonl.gz'", "a glob"),
        ("mixflows land exports/2026-06-03.jsonl.gz --again", "a file that was landed before"),
        ("mixflows land june.jsonl --whole-days 2026-06-01..2026-06-30", "days that were exported again, whole"),
    ),
    "plan": (
        ("mixflows plan", "what a run would process now"),
        ("mixflows plan --mode all --start 2026-06-01 --end 2026-06-30", "a month, every day"),
        ("mixflows plan --price", "with bytes, money and time"),
    ),
    "run": (
        ("mixflows run", "every due day, up to yesterday"),
        ("mixflows run --as-of 2026-06-30", "up to that day"),
        ("mixflows run --no-prefect --wait 30", "from cron, without Prefect"),
    ),
    "backfill": (
        ("mixflows backfill", "every day that is due"),
        ("mixflows backfill --start 2026-01-01 --end 2026-06-30", "a range"),
        ("mixflows backfill --mode blocked", "the blocked days again"),
        ("mixflows backfill --mode all --dry-run", "price a full comparison"),
    ),
    "status": (
        ("mixflows status", "published, blocked, failed and due days"),
        ("mixflows status --check", "exit code 1 or 3 where a day needs you"),
    ),
    "report": (
        ("mixflows report --open", "mixflows-report.html, in the browser"),
        ("mixflows report --since 2026-06-01 --out june.html", "what changed since June"),
        ("mixflows report --format json --out -", "for a program"),
    ),
    "inspect": (
        ("mixflows inspect 2026-06-18", "figures, failures and samples"),
        ("mixflows inspect 2026-06-18 --json", "the same for a program"),
    ),
    "release": (('mixflows release 2026-06-18 --because "exact copies; the SDK is fixed"', ""),),
    "acknowledge": (('mixflows acknowledge 2026-06-18 --because "export is being repeated"', ""),),
    "explain": (
        ("mixflows explain --insert-id 6f1c2b7e", "every copy of an event"),
        ("mixflows explain --insert-id 6f1c2b7e --day 2026-06-18", "search one day"),
    ),
    "serve": (
        ("mixflows serve", "daily at 03:15 in the project's time zone"),
        ("mixflows serve --cron '0 5 * * *'", "daily at 05:00"),
    ),
    "expectations": (
        ("mixflows expectations list", "every expectation with its bounds"),
        ("mixflows expectations suggest", "bounds from your own data"),
    ),
    "expectations list": (("mixflows expectations list", ""), ("mixflows expectations list --json", "")),
    "expectations explain": (("mixflows expectations explain volume_change", ""),),
    "expectations try": (
        ("mixflows expectations try --set quality.volume_change.warning=1.4", "every day so far"),
        ("mixflows expectations try --day 2026-06-18", "one day in full"),
    ),
    "expectations suggest": (("mixflows expectations suggest", ""),),
    "expectations export": (
        ("mixflows expectations export", "into expectation-suites/"),
        ("mixflows expectations export --out -", "one JSON object, to standard output"),
    ),
}
"""By command, as it is typed after `mixflows`: lines and what each does; an empty text where the line says it."""


def examples(command: str) -> str:
    """The end of a command's help. Its first line is the character by which Click keeps lines as they are."""
    lines = EXAMPLES[command]
    width = max(len(line) for line, _ in lines)
    return "\n".join(
        ["\b", "Examples:", *(f"  {line:{width}}  # {what}" if what else f"  {line}" for line, what in lines)]
    )
