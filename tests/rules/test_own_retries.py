"""Retries and stored results are ours to decide, whatever the defaults of the user's Prefect.

A retry would process a blocked day again and call it failed; a stored result may fail to be written, or leave on a disk
what belongs into the warehouse alone.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def decorators(source: str) -> Iterator[ast.expr]:
    """Prefect's decorators of a module's functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                name = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(name, ast.Name) and name.id in {"flow", "task", "materialize"}:
                    yield decorator


OURS = {"retries", "persist_result"}


def names_ours(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and {keyword.arg for keyword in decorator.keywords} >= OURS


def test_every_flow_and_task_names_what_is_ours() -> None:
    found = {
        f"{path.name}:{decorator.lineno}": names_ours(decorator)
        for room in ("flows", "tasks", "deployments")
        for path in sorted((ROOT / room).glob("*.py"))
        for decorator in decorators(path.read_text(encoding="utf-8"))
    }
    assert len(found) >= 15
    assert [where for where, named in found.items() if not named] == []


def test_a_decorator_without_them_would_be_found() -> None:
    assert [names_ours(d) for d in decorators("@task\ndef a(): ...\n@flow(name='b', retries=0)\ndef b(): ...")] == [
        False
    ] * 2
