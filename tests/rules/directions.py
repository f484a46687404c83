"""Which room of the project may import which, and where the heavy libraries may be named.

`deployments -> flows -> tasks -> {expectations, mixflows}`, never the other way; only the command line, which sits in
`mixflows`, may look up. Inside `mixflows` a room imports those before it in INNER_ROOMS only, so that there is no circle.
Imports count wherever they stand: inside a function, under TYPE_CHECKING, or by name through importlib.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

COMMAND_LINE = "mixflows/cli"
PRODUCT = {"deployments", "flows", "tasks", "expectations", "mixflows"}

# A room may import itself and the rooms named here.
MAY_IMPORT = {
    "deployments": {"flows", "tasks", "expectations", "mixflows"},
    "flows": {"tasks", "expectations", "mixflows"},
    "tasks": {"expectations", "mixflows"},
    "expectations": {"mixflows"},
    "mixflows": set[str](),
    COMMAND_LINE: PRODUCT,
    # Beside the product: `harness` is what tests and benchmarks share, `docs` writes pages; neither of the two imports the other.
    "harness": {"mixflows"},
    "docs": {"expectations", "mixflows", "harness"},
    "tests": PRODUCT | {"harness", "docs"},
    "benchmarks": PRODUCT | {"harness"},
}

# The modules and packages of mixflows, lowest first; those that stand together do not import each other.
INNER_ROOMS = (
    {"text"},
    {"errors", "sql", "verdict"},
    {"days", "files", "packages"},
    {"settings"},
    {"intake", "profile"},
    {"model"},
    {"progress", "rates"},
    {"mixpanel", "warehouse"},
    {"costs", "ledger"},
    {"pipeline"},
    {"report"},
    {"demo"},
    {"cli"},
)

# Where a library may be imported; a path begins with one of these.
LIBRARY_ROOMS = {
    "prefect": ("flows/", "tasks/", "deployments/", COMMAND_LINE),
    "great_expectations": ("expectations/", "docs/examples/"),
    "google.cloud.bigquery": ("mixflows/warehouse/",),
    "duckdb": ("mixflows/warehouse/",),
}


@dataclass(frozen=True)
class Import:
    """One imported module, absolute, and where it is imported."""

    file: str
    line: int
    module: str

    def is_of(self, package: str) -> bool:
        return self.module == package or self.module.startswith(package + ".")


def room_of(file: str) -> str:
    return COMMAND_LINE if file.startswith(COMMAND_LINE) else file.split("/", 1)[0]


def imports_of(file: str, source: str) -> Iterator[Import]:
    """Every module that the file imports; `from a import b` gives `a` and `a.b`, since b may be a module."""
    for node in ast.walk(ast.parse(source, filename=file)):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield Import(file, node.lineno, alias.name)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = _absolute(file, module or "", level)
                yield Import(file, node.lineno, base)
                for alias in names:
                    yield Import(file, node.lineno, f"{base}.{alias.name}")
            case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]) if _is_import_call(func):
                yield Import(file, node.lineno, name)
            case _:
                pass


def violations(root: Path) -> list[str]:
    """One sentence for every import that goes the wrong way, in the order of files and lines."""
    found: dict[str, None] = {}
    for room in sorted(set(MAY_IMPORT) - {COMMAND_LINE}):
        for path in sorted((root / room).rglob("*.py")):
            file = path.relative_to(root).as_posix()
            for imported in imports_of(file, path.read_text(encoding="utf-8")):
                found.update(dict.fromkeys(_wrong(imported)))
    return list(found)


def _wrong(imported: Import) -> Iterator[str]:
    where = f"{imported.file}:{imported.line}"
    room = room_of(imported.file)
    other = imported.module.split(".", 1)[0]
    home = imported.file.split("/", 1)[0]
    if other in MAY_IMPORT and other != home and other not in MAY_IMPORT[room]:
        yield f"{where} imports {other}: {room} may not"
    inner, other_inner = _inner_room(imported.file.removesuffix(".py").replace("/", ".")), _inner_room(imported.module)
    if inner and other_inner and inner != other_inner and _height(other_inner) >= _height(inner):
        yield f"{where} imports mixflows.{other_inner}: mixflows.{inner} may not"
    for library, rooms in LIBRARY_ROOMS.items():
        if home in PRODUCT and imported.is_of(library) and not imported.file.startswith(rooms):
            yield f"{where} imports {library}: only {', '.join(rooms)} may"


def _inner_room(module: str) -> str:
    """The room of mixflows that a module is in; nothing for others, and for names that are no room."""
    home, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return room if home == "mixflows" and any(room in rooms for rooms in INNER_ROOMS) else ""


def _height(room: str) -> int:
    return next(height for height, rooms in enumerate(INNER_ROOMS) if room in rooms)


def _absolute(file: str, module: str, level: int) -> str:
    if level == 0:
        return module
    package = PurePosixPath(file).parts[:-level]
    return ".".join((*package, module)) if module else ".".join(package)


def _is_import_call(func: ast.expr) -> bool:
    match func:
        case ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"):
            return True
        case _:
            return False
