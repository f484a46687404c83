"""What superseding means, in plain Python: read it once and believe it. Nothing here knows of SQL."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.oracle.oracle import KEYS, Copy, deduplicate, fingerprint


@dataclass
class Source:
    """The copies that the source holds.

    Attributes:
        keeps: Whether copies that a newer delivery lacks are kept.
        live: Copies of the newest deliveries.
        gone: Copies that are kept.
    """

    key: str
    keeps: bool
    live: list[Copy] = field(default_factory=list[Copy])
    gone: list[Copy] = field(default_factory=list[Copy])

    def supersede(self, delivered: Iterable[Copy], start: datetime, end: datetime, now: datetime) -> Counter[str]:
        """Makes a range of time what a delivery says; tells how many copies it found the same, restated, new, back and gone."""
        inside = [
            (copy, is_gone)
            for is_gone, held in enumerate((self.live, self.gone))
            for copy in held
            if _within(copy, start, end)
        ]
        live = [copy for copy in self.live if not _within(copy, start, end)]
        gone = [copy for copy in self.gone if not _within(copy, start, end)]
        new = sorted((replace(copy, loaded_at=now) for copy in delivered), key=_in_order)
        old = sorted(inside, key=lambda held: (held[1], _in_order(held[0])))
        counts: Counter[str] = Counter()
        moved: dict[object, list[str | None]] = {}
        for is_alike in (
            lambda a, b: _same(a) == _same(b) and _in_order(a) == _in_order(b),
            lambda a, b: _same(a) == _same(b) and a.content == b.content,
            lambda a, b: _same(a) == _same(b),
        ):
            for copy in list(new):
                found = next(((held, was_gone) for held, was_gone in old if is_alike(held, copy)), None)
                if found is None:
                    continue
                held, was_gone = found
                old.remove(found)
                new.remove(copy)
                equal = _in_order(held) == _in_order(copy)
                counts["back" if was_gone else "same" if equal else "restated"] += 1
                live.append(held if equal and not was_gone else copy)
                if not equal and not was_gone:
                    moved.setdefault(self.key_of(held), []).append(copy.user)
        counts["new"] = len(new)
        counts["gone"] = sum(not was_gone for _, was_gone in old) if self.keeps else len(old)
        live += new
        if self.keeps:
            kept = {self.key_of(copy) for copy in live if _within(copy, start, end)}
            for held, was_gone in old:
                copy = held if was_gone else replace(held, loaded_at=now)
                if "user" in KEYS[self.key] and self.key_of(held) in moved and self.key_of(held) not in kept:
                    users = [user for user in moved[self.key_of(held)] if user is not None]
                    copy = replace(copy, user=min(users, default=None), loaded_at=now)
                gone.append(copy)
        self.live, self.gone = live, gone
        return +counts

    def published(self, keep: str, missing: str) -> tuple[Counter[Copy], Counter[tuple[Copy, str]]]:
        """The events, and the rejected copies with their reasons: a live copy wins over one that is gone."""
        events, rejected = deduplicate(self.live, key=self.key, keep=keep, missing=missing)
        gone, rejected_gone = deduplicate(self.gone, key=self.key, keep=keep, missing=missing)
        keys = {self.key_of(copy) for copy in events if copy.id}
        lost = [copy for copy in gone if copy.id and self.key_of(copy) in keys]
        told = [(r.copy, r.reason) for r in (*rejected, *rejected_gone)] + [(copy, "Duplicate event") for copy in lost]
        return Counter(events) + Counter(gone) - Counter(lost), Counter(told)

    def key_of(self, copy: Copy) -> object:
        return (copy.day, *(getattr(copy, part) for part in KEYS[self.key]))


def _within(copy: Copy, start: datetime, end: datetime) -> bool:
    return copy.time is not None and start <= copy.time < end


def _same(copy: Copy) -> object:
    return copy.event, copy.id, copy.time, copy.arrival_ms


def _in_order(copy: Copy) -> str:
    return fingerprint(copy)[:16]


def by_copy(rows: Sequence[dict[str, object]]) -> Counter[Copy]:
    """Rows of a table as copies."""
    return Counter(Copy.of(row) for row in rows)
