"""The errors a user can meet, as one tree.

MixflowsError                       exit code 1
├── UsageError                      exit code 2: the command line or a setting is wrong; nothing was touched
│   ├── SettingsError               an unknown key, a value out of range, a file that is not there
│   ├── RulesChangedError           published days were judged by other rules; needs --accept-rules
│   └── UnknownDayError             a day or range that cannot be meant
├── OutputError                     a file that is written where the user points cannot be written
├── LandingError                    a file was refused whole; nothing of it was landed
│   ├── AlreadyLandedError          the same content was landed before
│   ├── ShrunkError                 whole days that are delivered again lack events; needs --accept-shrink
│   └── IncompleteFileError         cut off: truncated gzip
│       └── TerminatedEarlyError    Mixpanel cut the export off and said so
├── FetchError                      Mixpanel did not give what was asked for; days landed before stay
│   └── FetchHeldError              exit code 4: another process fetches this project
├── WarehouseError                  the warehouse cannot do what was asked
│   ├── WarehouseBusyError          exit code 4: another process holds the DuckDB file, for longer than a run waits
│   ├── WarehouseFullError          no space left, or a read-only folder
│   ├── MissingTableError           a table that `mixflows init` makes is not there
│   ├── OutdatedTableError          an earlier version made a table; `mixflows init` adds the columns that it lacks
│   ├── SourceColumnsError          the source lacks a column that the settings name, or a type changed
│   └── StatementError              a SQL statement failed; carries the rendered statement's name
└── DayError                        one day could not be processed; other days go on
    ├── PublishMismatchError        the published day does not add up, and replacing it did not help
    ├── DayHeldError                exit code 4: another run holds the day, for longer than a run waits
    ├── NotReleasedError            a day that cannot be released: not blocked, or no longer the one that was looked at
    └── NotAcknowledgedError        a day that cannot be acknowledged, likewise

A message says what is wrong, where (file, line, table, day or setting), how many, and what to do next. No message
contains event properties or users' ids. Names from data and paths in it are text: what is not printable is escaped.
"""

from datetime import date

from mixflows.text import plain_lines

LEFT_TO_ANOTHER = 4
"""Exit code of a command that could not do its work because another run holds the days or the file."""


class MixflowsError(Exception):
    """Base of every error that is told to the user in one sentence.

    Args:
        message: What is wrong and where.
        hint: What to do next.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        self.message, self.hint = plain_lines(message), plain_lines(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(MixflowsError):
    """The command line or a setting is wrong; nothing was touched."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown, missing or out of range."""


class RulesChangedError(UsageError):
    """Published days were judged by other rules than the settings now name."""


class UnknownDayError(UsageError):
    """A day or a range of days that cannot be meant."""


class OutputError(MixflowsError):
    """A file cannot be written where the user points."""


class LandingError(MixflowsError):
    """A file was refused whole; nothing of it was landed."""


class AlreadyLandedError(LandingError):
    """The same content was landed before."""


class ShrunkError(LandingError):
    """Days that are delivered again as a whole lack events that an earlier delivery had.

    Args:
        message: Which days, and how many events.
        hint: What to do next.
        days: The days on the export's own clock.
    """

    def __init__(self, message: str, hint: str = "", days: tuple[date, ...] = ()) -> None:
        super().__init__(message, hint)
        self.days = days


class IncompleteFileError(LandingError):
    """The file was cut off before its end."""


class TerminatedEarlyError(IncompleteFileError):
    """Mixpanel cut the export off and wrote `terminated early` at its end."""


class FetchError(MixflowsError):
    """Mixpanel's export API did not give what was asked for; what was landed before stays."""


class FetchHeldError(FetchError):
    """Another process fetches the same project."""

    exit_code = LEFT_TO_ANOTHER


class WarehouseError(MixflowsError):
    """The warehouse cannot do what was asked."""


class WarehouseBusyError(WarehouseError):
    """Another process holds the DuckDB file."""

    exit_code = LEFT_TO_ANOTHER


class WarehouseFullError(WarehouseError):
    """No space is left, or the folder cannot be written."""


class MissingTableError(WarehouseError):
    """A table that the system needs is not there."""


class OutdatedTableError(WarehouseError):
    """A table that an earlier version made lacks columns."""


class SourceColumnsError(WarehouseError):
    """The source lacks a column that the settings name, or the type of a column changed."""


class StatementError(WarehouseError):
    """A SQL statement failed in the warehouse."""


class DayError(MixflowsError):
    """One day could not be processed; the other days go on."""


class PublishMismatchError(DayError):
    """The published day does not add up, and replacing it once did not help."""


class DayHeldError(DayError):
    """Another run holds the day.

    Args:
        message: Which day.
        hint: What to do next.
        holder: That run, where it is known.
    """

    exit_code = LEFT_TO_ANOTHER

    def __init__(self, message: str, hint: str = "", holder: str = "") -> None:
        super().__init__(message, hint)
        self.holder = holder or "unknown"


class NotReleasedError(DayError):
    """A day cannot be released as it is."""


class NotAcknowledgedError(DayError):
    """A day cannot be acknowledged: it is not blocked, or no longer the one that was blocked."""
