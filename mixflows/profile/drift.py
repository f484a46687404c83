"""What is odd about a day's profile: by itself, and held against the days before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from statistics import median

from mixflows.profile.profile import OTHERS, QUARTERS_PER_HOUR, Profile
from mixflows.text import NAME_LENGTH, counted, plain

PAST_DAYS = 28
PAST_AT_LEAST = 7
CERTAIN_ROWS = 20
"""An event name of which so many copies are expected does not stay away by chance."""
STEADY_ROWS = 50
"""From so many expected copies on, a share does not swing threefold by chance."""
CARRIES = 0.5
MS_PER_HOUR = 3_600_000
NAMED = 5


@dataclass(frozen=True)
class Drift:
    """What a day's profile shows; None where it cannot be judged.

    Attributes:
        clock_ahead_rate: Share of copies whose event time is at least a quarter of an hour later than their own arrival, and
            within the tolerance.
        identity_missing_rate: Share of copies without distinct id.
        silent_hours: How many hours earlier than usual the day's events end.
        vanished_events: Event names that come every day, and did not come.
        new_events: Event names that came on none of the days before.
        event_share_change: How many times more, or fewer, of the day's events than usual bear the name that changed most.
        identity_missing_change: How much more of the copies than usual lack an identity: the column where it grew most.
        property_type_drift: The same for promoted properties; a value that does not fit its column's type is left out of it.
        property_range_drift: Powers of ten between the size of a property's numbers and the usual one, at most.
        time_shift_hours: How much later after their events than usual the first twentieth of the copies arrived.
        notes: Why a figure is not known, or which names are behind it, by figure; of `rates.volume_change` too.
    """

    clock_ahead_rate: float | None = None
    identity_missing_rate: float | None = None
    silent_hours: float | None = None
    vanished_events: float | None = None
    new_events: float | None = None
    event_share_change: float | None = None
    identity_missing_change: float | None = None
    property_type_drift: float | None = None
    property_range_drift: float | None = None
    time_shift_hours: float | None = None
    notes: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The figures' names; each is a section `[quality.NAME]` of the settings."""
        return tuple(f.name for f in fields(cls) if f.name != "notes")

    @classmethod
    def compared(cls) -> tuple[str, ...]:
        """The figures that a day's profile has only beside those of the days before."""
        return tuple(name for name in cls.names() if name not in ("clock_ahead_rate", "identity_missing_rate"))

    @classmethod
    def of(cls, profile: Profile, future_rows: int, past: Sequence[Profile], identities: Sequence[str]) -> "Drift":
        """Looks at a day.

        Args:
            profile: The day.
            future_rows: Copies that are rejected as being in the future.
            past: Profiles of days with rows, among the 28 before it.
            identities: Columns that say who did it, in any case; the first is the distinct id.
        """
        if not profile.rows:
            return cls(notes=dict.fromkeys(cls.names(), "not judged: no rows"))
        ahead = sum(rows for quarters, rows in profile.lags.items() if quarters < -1) - future_rows
        identities = [name.lower() for name in identities]
        who = next((column for name, column in profile.columns.items() if [name.lower()] == identities[:1]), None)
        alone = {
            "clock_ahead_rate": max(ahead, 0) / profile.rows,
            "identity_missing_rate": who.missing / profile.rows if who else None,
        }
        if len(past) < PAST_AT_LEAST:
            return cls(**alone, notes=dict.fromkeys(cls.compared(), "not judged: fewer than 7 days of history"))
        notes = _volume_note(profile, past)
        return cls(
            **alone,
            silent_hours=_silent_hours(profile, past),
            **_events(profile, past, notes),
            **_columns(profile, past, identities, notes),
            time_shift_hours=_time_shift(profile, past),
            notes=notes,
        )


def _silent_hours(profile: Profile, past: Sequence[Profile]) -> float | None:
    ends = [p.last_event_ms for p in past if p.last_event_ms is not None]
    if profile.last_event_ms is None or not ends:
        return None
    return max(0.0, (median(ends) - profile.last_event_ms) / MS_PER_HOUR)


def _events(profile: Profile, past: Sequence[Profile], notes: dict[str, str]) -> dict[str, float | None]:
    names = "vanished_events", "new_events", "event_share_change"
    if OTHERS in profile.events or any(OTHERS in p.events for p in past):
        notes.update(dict.fromkeys(names, "not judged: too many event names to tell apart"))
        return dict.fromkeys(names)
    known = {name for p in past for name in p.events}
    before = [p.event_shares for p in past]
    usual = {name: median([shares.get(name, 0.0) for shares in before]) for name in known}
    expected = {name: share * profile.different_rows for name, share in usual.items()}
    vanished = sorted(
        name
        for name, rows in expected.items()
        if rows >= CERTAIN_ROWS and name not in profile.events and all(name in p.events for p in past)
    )
    new = sorted(name for name, tally in profile.events.items() if name not in known and tally.rows >= CERTAIN_ROWS)
    changes = {
        name: max(share / usual[name], usual[name] / share)
        for name in profile.events
        if expected.get(name, 0) >= STEADY_ROWS and (share := profile.event_shares[name])
    }
    for figure, found in ((names[0], vanished), (names[1], new)):
        if found:
            notes[figure] = _named(found)
    if changes and max(changes.values()) > 1.5:
        moved = max(changes, key=lambda name: changes[name])
        name = plain(moved, NAME_LENGTH)
        notes[names[2]] = f"{name}: {profile.event_shares[moved]:.2%} of the day, usually {usual[moved]:.2%}"
    return {
        names[0]: float(len(vanished)),
        names[1]: float(len(new)),
        names[2]: max(changes.values()) if changes else None,
    }


def _volume_note(profile: Profile, past: Sequence[Profile]) -> dict[str, str]:
    """The event name that carries half or more of the day's difference in rows from the usual, if one does."""
    now, before = profile.different_by_event, [p.different_by_event for p in past]
    usual = {
        name: median([rows.get(name, 0) for rows in before]) for name in {*now, *(n for rows in before for n in rows)}
    }
    moved = {name: now.get(name, 0) - rows for name, rows in usual.items() if name != OTHERS}
    name = max(moved, key=lambda name: abs(moved[name]), default=None)
    difference = sum(now.values()) - sum(usual.values())
    if name is None or not difference or moved[name] / difference < CARRIES:
        return {}
    return {
        "volume_change": f"{plain(name, NAME_LENGTH)}: {counted(now.get(name, 0), 'row')}, usually {usual[name]:,.10g}"
    }


def _columns(
    profile: Profile, past: Sequence[Profile], identities: Sequence[str], notes: dict[str, str]
) -> dict[str, float | None]:
    rises: dict[bool, dict[str, float]] = {True: {}, False: {}}
    moves: dict[str, float] = {}
    for name, column in profile.columns.items():
        before = [(p.columns[name], p.rows) for p in past if name in p.columns]
        if len(before) < PAST_AT_LEAST:
            continue
        usual = median(c.missing / rows for c, rows in before)
        rises[name.lower() in identities][name] = max(0.0, column.missing / profile.rows - usual)
        if before[-1][0].type != column.type:
            rises[False][name] = 1.0
        sizes = [c.size for c, _ in before if c.size is not None]
        if column.size is not None and len(sizes) >= PAST_AT_LEAST:
            moves[name] = abs(column.size - median(sizes))
    found: dict[str, dict[str, float]] = {
        "identity_missing_change": rises[True],
        "property_type_drift": rises[False],
        "property_range_drift": moves,
    }
    for figure, values in found.items():
        if values and max(values.values()) > 0.01:
            notes[figure] = plain(max(values, key=lambda name: values[name]), NAME_LENGTH)
    return {figure: max(values.values()) if values else None for figure, values in found.items()}


def _time_shift(profile: Profile, past: Sequence[Profile]) -> float | None:
    usual = [p.first_arrivals for p in past if p.first_arrivals is not None]
    first = profile.first_arrivals
    if first is None or not usual:
        return None
    return max(0.0, (first - median(usual)) / QUARTERS_PER_HOUR)


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(plain(name, NAME_LENGTH) for name in names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
