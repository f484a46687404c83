"""Retries are ours to decide: a default of the user's Prefect would process a blocked day again and call it failed."""

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


def names_retries(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and any(keyword.arg == "retries" for keyword in decorator.keywords)


def test_every_flow_and_task_names_its_retries() -> None:
    found = {
        f"{path.name}:{decorator.lineno}": names_retries(decorator)
        for room in ("flows", "tasks", "deployments")
        for path in sorted((ROOT / room).glob("*.py"))
        for decorator in decorators(path.read_text(encoding="utf-8"))
    }
    assert len(found) >= 15
    assert [where for where, named in found.items() if not named] == []


def test_a_decorator_without_them_would_be_found() -> None:
    assert [names_retries(d) for d in decorators("@task\ndef a(): ...\n@flow(name='b')\ndef b(): ...")] == [False] * 2
