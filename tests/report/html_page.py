"""What a test reads out of a report's HTML: its tables as text, its data, and what it would load."""

import json
import re
from html.parser import HTMLParser
from typing import Any

LOADING_ATTRIBUTES = {"src", "href", "srcset", "data", "action", "poster", "formaction"}


class Page(HTMLParser):
    """Parses a page once.

    Attributes:
        tables: Caption and rows of cell texts, in the order of the page.
        headings: Texts of h1 to h3.
        references: Whatever an attribute would load or link to.
        unlabelled: Tables without caption and figures and charts without text alternative.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tables: list[tuple[str, list[list[str]]]] = []
        self.headings: list[str] = []
        self.references: list[str] = []
        self.unlabelled: list[str] = []
        self._text: list[str] | None = None
        self._skipped: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.unlabelled += [f"table {n}" for n, (caption, _) in enumerate(self.tables) if not caption]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.references += [value for name, value in attrs if name in LOADING_ATTRIBUTES and value]
        if named.get("role") == "img" and not named.get("aria-label"):
            self.unlabelled.append(f"{tag} {named.get('id')}")
        match tag:
            case "table":
                self.tables.append(("", []))
            case "tr":
                self.tables[-1][1].append([])
            case "caption" | "th" | "td" | "h1" | "h2" | "h3":
                self._text = []
            case "script" | "style":
                self._skipped.append(tag)
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        text = " ".join("".join(self._text or []).split())
        match tag:
            case "caption":
                self.tables[-1] = (text, self.tables[-1][1])
            case "th" | "td":
                self.tables[-1][1][-1].append(text)
            case "h1" | "h2" | "h3":
                self.headings.append(text)
            case "script" | "style":
                self._skipped.pop()
            case _:
                pass

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        self.words.append(data)
        if self._text is not None:
            self._text.append(data)

    @property
    def text(self) -> str:
        """Everything a reader can read, scripts and styles aside."""
        return " ".join(" ".join(self.words).split())

    def table(self, caption: str) -> list[list[str]]:
        """The rows of the table with this caption, its head first."""
        (rows,) = [rows for found, rows in self.tables if found == caption]
        return rows

    def data(self, element: str) -> Any:
        """The JSON of a script element."""
        found = re.search(rf'<script type="application/json" id="{element}">(.*?)</script>', self.html, re.DOTALL)
        assert found is not None
        return json.loads(found[1])
