"""The built-in expectations in words: what each demands, why, and what to do when it fails. Without Great Expectations."""

from dataclasses import dataclass

from mixflows.profile.drift import Drift
from mixflows.rates import Rates
from mixflows.settings import Settings


@dataclass(frozen=True)
class Described:
    """One built-in expectation.

    Attributes:
        unit: `share`, `factor`, `count`, `hours` or `powers of ten`; of rows expectations `rows`.
        demands: What a day must fulfil.
        why: What is wrong, as a rule, where it fails.
        advice: What to do then.
    """

    name: str
    suite: str
    unit: str
    demands: str
    why: str
    advice: str


def _figure(name: str, unit: str, demands: str, why: str, advice: str) -> Described:
    return Described(name, "figures", unit, demands, why, advice)


def _always(name: str, demands: str, suite: str = "figures") -> Described:
    why = "The staging statement, or something that writes to the source's tables, is at fault; never the events alone."
    return Described(name, suite, "rows", demands, why, "Do not release the day: report it, with the day's inspection.")


CATALOGUE: tuple[Described, ...] = (
    _figure(
        "duplicate_rate",
        "share",
        "Few copies beyond the first of each key.",
        "An SDK, or the export, sends the same events again.",
        "See in the report where they come from. They do not reach mp_events: release the day once you know why.",
    ),
    _figure(
        "conflicting_duplicate_rate",
        "share",
        "Few copies beyond the first of each key with other content than their winner.",
        "A day was delivered again after a change, or insert ids are used for several events.",
        "Compare the samples: which copy is right? pipeline.keep decides between the first and the latest.",
    ),
    _figure(
        "missing_insert_id_rate",
        "share",
        "Few copies without insert id.",
        "A library, a server-side import or a pipeline drops $insert_id.",
        "Find the library in the report; without an id, copies cannot be told apart (pipeline.missing_insert_id).",
    ),
    _figure(
        "future_event_rate",
        "share",
        "Few copies whose event time is later than their own arrival by more than the tolerance.",
        "Clocks of devices are ahead, or times are written in another time zone.",
        "If it is all of a day: check landing.time_zone and project_timezone.",
    ),
    _figure(
        "late_rate",
        "share",
        "Few copies that arrived more than pipeline.lookback_days after the day.",
        "Phones were offline, or an import of old events ran.",
        "See the lateness curve in the report. Late events are taken whenever they come; only others' look-backs miss them.",
    ),
    _figure(
        "volume_change",
        "factor",
        "About as many different rows as on the same weekday in the weeks before.",
        "Part of a day is missing, or tracking was doubled or halved by a release.",
        "Look at the hours of the day; export the day again if some are missing.",
    ),
    _figure(
        "clock_ahead_rate",
        "share",
        "Few copies whose event time is a quarter of an hour or more after their own arrival, within the tolerance.",
        "A server's or an app's clock is ahead, by an hour where summer time was forgotten.",
        "Find the library whose events arrive before they happen.",
    ),
    _figure(
        "identity_missing_rate",
        "share",
        "Few copies without distinct id.",
        "Events are sent before the SDK knows who it is.",
        "Look at the event names that it concerns, and at the release of that day.",
    ),
    _figure(
        "silent_hours",
        "hours",
        "The day's events end about when they usually do.",
        "The export was made before the day was over.",
        "Export the day again, and land it; it is taken by the next run.",
    ),
    _figure(
        "vanished_events",
        "count",
        "Every event name that came on each of the days before comes.",
        "A release lost or renamed an event, or an export left it out.",
        "Ask who released on that day; a renamed event shows up among the new ones.",
    ),
    _figure(
        "new_events",
        "count",
        "Not many event names at once that nobody has seen in the weeks before.",
        "Names are made from values, or tracking was renamed.",
        "Look at the names in the finding.",
    ),
    _figure(
        "event_share_change",
        "factor",
        "Each event name has about its usual share of the day.",
        "An event fires twice, or only sometimes.",
        "Look at the name in the finding, and at its duplicates.",
    ),
    _figure(
        "identity_missing_change",
        "share",
        "About as many rows as usual have a distinct id and a customer id.",
        "A release logs users in later, or no longer sets the id.",
        "Look at the column in the finding.",
    ),
    _figure(
        "property_type_drift",
        "share",
        "Promoted properties are there, and fit their type, about as often as usual.",
        "A property is sent as another type, or under another name: what does not fit stays out of the column.",
        "Compare the property in `properties` of that day's rows; change landing.promote if the new type is meant.",
    ),
    _figure(
        "property_range_drift",
        "powers of ten",
        "The numbers of promoted properties are about as large as usual.",
        "A unit was changed: cents for dollars, milliseconds for seconds.",
        "Look at the property in the finding, and at the release of that day.",
    ),
    _figure(
        "time_shift_hours",
        "hours",
        "The first copies arrive about as soon after their events as usual.",
        "Event times are in another time zone than before: none arrives earlier than the offset.",
        "Check landing.time_zone, and the project's time zone in Mixpanel.",
    ),
    _always("kept_keys_unique", "Every key is kept once and only once."),
    _always("no_null_key_parts", "No kept row lacks a part of the key that the settings require."),
    _always("kept_rows_in_day", "Every kept row's event time lies in the day."),
    _always("figures_add_up", "Source rows = kept rows + rejected rows."),
    _figure(
        "gone_events",
        "rows",
        "No event is published of which the source has no copy any more; a warning, where policy keeps such events.",
        "Mixpanel deleted events, or an export lacks them.",
        "If they are to go, set pipeline.source_deletes to apply.",
    ),
    _figure(
        "source_deletes",
        "rows",
        'The source has deleted no published copy (only under pipeline.source_deletes = "block").',
        "Somebody deleted or replaced rows of the source.",
        "If it was meant, release the day: the published copies are then deleted too.",
    ),
    _always("kept_keys_unique", "No two kept rows have one key; NULLs in it count as equal.", "rows"),
    _always("kept_insert_id_not_null", "Every kept row has an insert id.", "rows"),
    _always("kept_time_not_null", "Every kept row has an event time.", "rows"),
    _always("kept_time_in_day", "And it lies in the day, as the project's time zone bounds it.", "rows"),
    _always("kept_without_reason", "No kept row has a rejection reason.", "rows"),
    _always("rejected_with_reason", "Every rejected row has one.", "rows"),
    _always("rejection_reason_known", "And it is one of the four that there are.", "rows"),
)


def bounds_of(described: Described, settings: Settings) -> tuple[float | None, float | None]:
    """The warning and the critical bound in force; those without a setting block at the first row."""
    if described.name in (*Rates.names(), *Drift.names()):
        bounds = settings.quality.bounds(described.name)
        return bounds.warning, bounds.critical
    return None, 0.0
