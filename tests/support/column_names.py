"""Names that columns may have."""

import unicodedata

NAMES = (
    "fingerprint", "day", "hour", "copies", "mf", "key", "note", "s", "e", "c", "w", "d", "x", "source", "events",
    "select", "from", "Group", "ORDER", "null", "true", "timestamp", "date", "rank", "window", "end",
    'a"b', '"', "it's", "a.b", "a.b.c", "$x", "back\\slash", "a`b", "{x}", "{{ x }}", "{% x %}", "{batch}", "a:b", ":p",
    "@p", "%s", "?", "$1", "--", "/* x */", ";", "a b", " a", "ünï", "事件", "1", "1a", "-", "*",
)  # fmt: skip
"""Our own words, words of SQL, and what a quoted identifier may have in it."""


def is_flexible(name: str) -> bool:
    """Whether BigQuery allows a column to be called so.

    Source: https://cloud.google.com/bigquery/docs/schemas#flexible-column-names
    """
    allowed = all(
        unicodedata.category(c)[0] in "LNM" or unicodedata.category(c) in ("Pc", "Pd") or c in "&%=+:'<>#| "
        for c in name
    )
    return allowed and (name[0] == "_" or name[0].isalnum())
