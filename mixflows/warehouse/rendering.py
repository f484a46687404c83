"""Renders the statements of `sql/`: Jinja templates in BigQuery's dialect, readable as they stand.

A statement names the long-lived tables as `{{ source }}`, `{{ events }}`, …, a batch's short-lived ones as `{{ stage }}`,
`{{ copies }}`, …, values as `@parameters`, and everything that follows from the source's columns through `x`, the
`Expressions`. What the engines word differently comes from a `Dialect`.
"""

from dataclasses import fields
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from mixflows.model import Figures
from mixflows.settings import Settings
from mixflows.warehouse.dialect import Dialect
from mixflows.warehouse.expressions import Expressions
from mixflows.warehouse.source import Source, profiled_columns


@cache
def _environment() -> Environment:
    folder = files("mixflows") / "sql"

    def load(name: str) -> str | None:
        path = folder / f"{name}.sql"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    # The output is SQL, never HTML; every name and text goes through the dialect's `quote` and `literal`.
    return Environment(
        loader=FunctionLoader(load), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )


class Statements:
    """All statements of `sql/` for one set of table names.

    Args:
        tables: Quoted names of the tables, long-lived and short-lived, by role (`source`, `events`, `copies`, …).
        settings: Rules of the pipeline.
        source: Its columns; statements that need them fail to render without.
        dialect: The engine's words.
        options: What else templates name, such as the options of short-lived tables.
    """

    def __init__(
        self,
        tables: dict[str, str],
        settings: Settings,
        source: Source | None,
        dialect: Dialect,
        **options: object,
    ) -> None:
        self._context: dict[str, object] = {**tables, "pipeline": settings.pipeline, "quote": dialect.quote}
        self._context |= {
            "literal": dialect.literal,
            "as_of": "",
            "stage_options": "",
            "temporary": "",
            "set_aside": None,
            "of_next": None,
        }
        if source is not None:
            x = Expressions(source, settings, dialect)
            self._context |= {
                "columns": source,
                "x": x,
                "of_source": x,
                "profiled": profiled_columns(source, settings),
                "origins": settings.quality.origins,
                "figures": [figure.name for figure in fields(Figures)],
            }
        self._context |= options

    def render(self, name: str, flags: tuple[str, ...] = ()) -> str:
        """The statement in BigQuery's dialect, with `@parameters`.

        Raises:
            jinja2.TemplateNotFound: There is no such file.
        """
        return _environment().get_template(name).render(**self._context, flags=flags)
