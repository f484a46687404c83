"""The document of the benchmarks: what was measured anew, what stays, and the table of all figures."""

from pathlib import Path

from benchmarks.answers import Answer, Figure, section, write

NAMES = ("day", "day, long", "soak")


def measured(name: str, value: float) -> str:
    return section(name, Answer("A question.", [Figure("new : bare", value, 1.5)]), "make bench", 1)


def figures(document: Path) -> list[str]:
    return [line for line in document.read_text(encoding="utf-8").splitlines() if line.startswith("| [")]


def test_each_figure_names_its_part_and_what_is_not_measured_now_stays(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    write({"soak": measured("soak", 1), "day, long": measured("day, long", 1.6)}, NAMES, document)
    write({"day": measured("day", 1.25)}, NAMES, document)
    write({"soak": measured("soak", 1.4)}, NAMES, document)

    assert figures(document) == [
        "| [day](#day) | new : bare | 1.25 × | 1.5 × | met |",
        "| [day, long](#day-long) | new : bare | 1.6 × | 1.5 × | **missed by 7%** |",
        "| [soak](#soak) | new : bare | 1.4 × | 1.5 × | met |",
    ]
    titles = [line for line in document.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert titles == ["## day", "## day, long", "## soak"]


def test_a_figure_at_its_limit_is_met() -> None:
    assert Figure("at", 1.5, 1.5).met
    assert not Figure("above", 1.51, 1.5).met
