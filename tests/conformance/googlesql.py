"""GoogleSQL's own analyzer and reference engine, in process: Google's code, compiled to WebAssembly.

It says what BigQuery's dialect accepts, where engines that imitate BigQuery forgive. It knows names and types, and
nothing of partitions, quotas, and the options of tables.
"""

import contextlib
import ctypes
import hashlib
import importlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import wasmtime
import zetasql.wasi._pb2  # noqa: F401 # pyright: ignore[reportUnusedImport] # makes the modules below importable
from google.protobuf import message_factory
from zetasql.core.wasm_client import get_tzinfo_dir
from zetasql.wasi import get_wasm_path


def _messages(name: str) -> Any:
    return importlib.import_module(f"zetasql.wasi._pb2.zetasql.{name}")


service = _messages("local_service.local_service_pb2")
options = _messages("proto.options_pb2")
catalogs = _messages("proto.simple_catalog_pb2")
types = _messages("public.type_pb2")
features = _messages("public.options_pb2")
nodes = _messages("resolved_ast.resolved_node_kind_pb2")

NOT_IN_BIGQUERY = {
    "ANONYMIZATION",
    "ARRAY_ORDERING",
    "INSERT_ON_CONFLICT_CLAUSE",
    "JSON_TYPE_COMPARISON",
    "LATERAL_COLUMN_REFERENCES",
    "LATERAL_JOIN",
    "MAP_TYPE",
    "TIMESTAMP_NANOS",
    "TIMESTAMP_PICOS",
    "UUID_TYPE",
}
IN_BIGQUERY_ONLY = {"CREATE_TABLE_CLONE", "DISABLE_ARRAY_MIN_AND_MAX", "DISABLE_ARRAY_SUM_AND_AVG"}

Types = Mapping[str, Any]
"""Types by column: a BigQuery type as text, or one that the analyzer returned."""


class GoogleSqlError(Exception):
    """The analyzer refused a statement; its own words."""


class Module:
    """The compiled module and its memory. Compiling takes half a minute; what comes of it is kept for the user."""

    def __init__(self) -> None:
        wasm = Path(get_wasm_path())
        config = wasmtime.Config()
        with contextlib.suppress(AttributeError):
            config.shared_memory = True
        engine = wasmtime.Engine(config)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        wasi = wasmtime.WasiConfig()
        zones = get_tzinfo_dir()
        assert zones is not None, "there is no database of time zones here"
        wasi.preopen_dir(zones, "/usr/share/zoneinfo")
        self._store = wasmtime.Store(engine)
        self._store.set_wasi(wasi)
        self._exports: Any = linker.instantiate(self._store, _compiled(engine, wasm)).exports(self._store)
        with contextlib.suppress(KeyError):
            self._exports["_initialize"](self._store)

    def call(self, method: str, request: Any, response: Any) -> Any:
        """Calls a method of the service.

        Raises:
            GoogleSqlError: It refused.
        """
        data: bytes = request.SerializeToString()
        exports, store = self._exports, self._store
        sent, size = exports["wasm_malloc"](store, max(len(data), 1)), exports["wasm_malloc"](store, 4)
        try:
            ctypes.memmove(self._address() + sent, data, len(data))
            got = exports[f"ZetaSqlLocalService_{method}"](store, sent, len(data), size)
            if got == 0:
                length = exports["wasm_get_last_error_size"](store)
                raise GoogleSqlError(self._read(exports["wasm_get_last_error"](store), length).decode())
            answer = self._read(got, int.from_bytes(self._read(size, 4), "little"))
            exports["wasm_free"](store, got)
            return response.FromString(answer)
        finally:
            exports["wasm_free"](store, sent)
            exports["wasm_free"](store, size)

    def _address(self) -> int:
        return ctypes.addressof(self._exports["memory"].data_ptr().contents)

    def _read(self, address: int, size: int) -> bytes:
        return ctypes.string_at(self._address() + address, size)


def _compiled(engine: wasmtime.Engine, wasm: Path) -> wasmtime.Module:
    stamp = hashlib.sha256(f"{version('wasmtime')} {version('zetasql')} {wasm.stat().st_size}".encode()).hexdigest()[
        :16
    ]
    folder = Path(tempfile.gettempdir()) / f"mixflows-googlesql-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} is somebody else's")
    kept = folder / f"{stamp}.cwasm"
    if not kept.exists():
        module = wasmtime.Module.from_file(engine, str(wasm))
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as new:
            new.write(module.serialize())
        Path(new.name).replace(kept)
        return module
    return wasmtime.Module.deserialize_file(engine, str(kept))


@cache
def module() -> Module:
    """The process's one module."""
    return Module()


@cache
def _language() -> Any:
    request = service.LanguageOptionsRequest(maximum_features=True)
    language = module().call("GetLanguageOptions", request, options.LanguageOptionsProto)
    language.product_mode = features.PRODUCT_EXTERNAL
    language.name_resolution_mode = features.NAME_RESOLUTION_DEFAULT

    def numbers(names: set[str]) -> set[int]:
        return {n for name, n in features.LanguageFeature.items() if any(name.endswith(f"_{x}") for x in names)}

    on = (set(language.enabled_language_features) - numbers(NOT_IN_BIGQUERY)) | numbers(IN_BIGQUERY_ONLY)
    for held, wanted in (
        (language.enabled_language_features, sorted(on)),
        (language.supported_statement_kinds, [n for k, n in nodes.ResolvedNodeKind.items() if k.endswith("_STMT")]),
        (language.reserved_keywords, ["QUALIFY"]),
        (language.supported_generic_entity_types, []),
    ):
        del held[:]
        held.extend(wanted)
    return language


def type_of(text: Any) -> Any:
    """The analyzer's type for BigQuery's name of it, such as `ARRAY<STRUCT<day DATE, rows INT64>>`."""
    if not isinstance(text, str):
        return text
    kind = types.TypeProto()
    if text.startswith("ARRAY<"):
        kind.type_kind = types.TypeKind.TYPE_ARRAY
        kind.array_type.element_type.CopyFrom(type_of(text[6:-1]))
    elif text.startswith("STRUCT<"):
        kind.type_kind = types.TypeKind.TYPE_STRUCT
        for part in text[7:-1].split(","):
            name, _, of = part.strip().partition(" ")
            kind.struct_type.field.add(field_name=name).field_type.CopyFrom(type_of(of))
    else:
        kind.type_kind = types.TypeKind.Value({"FLOAT64": "TYPE_DOUBLE"}.get(text, f"TYPE_{text}"))
    return kind


@dataclass(frozen=True)
class Undecoded:
    """An answer as it came."""

    data: bytes

    @classmethod
    def FromString(cls, data: bytes) -> "Undecoded":  # noqa: N802 - as protobuf calls it
        return cls(data)


@dataclass(frozen=True)
class Resolved:
    """A resolved statement. Its query is never decoded: the decoder refuses what nests 100 deep, as many of our queries do."""

    kind: Any
    data: bytes

    def field(self, *path: str) -> list[Any]:
        """The values of a repeated or single field, by its path; messages are decoded."""
        kind, data = self.kind, self.data
        for name in path[:-1]:
            number, kind = kind.fields_by_name[name].number, kind.fields_by_name[name].message_type
            data = next(value for found, value in _fields(data) if found == number)
        last = kind.fields_by_name[path[-1]]
        values = [value for found, value in _fields(data) if found == last.number]
        if last.message_type is None:
            return [value.decode() for value in values]
        return [message_factory.GetMessageClass(last.message_type).FromString(value) for value in values]


def _fields(data: bytes) -> list[tuple[int, bytes]]:
    """The fields of a message that have a length, by number: messages and texts."""
    found: list[tuple[int, bytes]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        match tag & 7:
            case 0:
                varint()
            case 1:
                at += 8
            case 5:
                at += 4
            case _:
                size = varint()
                found.append((tag >> 3, data[at : at + size]))
                at += size
    return found


_ANALYZED: dict[tuple[str, ...], Resolved] = {}


@dataclass
class Dataset:
    """What a statement may refer to: tables and functions under their whole names, and parameters.

    Attributes:
        tables: Columns by table. A table's name is `project.dataset.table`, or a path below a dataset.
        pseudo: Tables that are partitioned by ingestion time.
        parameters: Types of named parameters.
    """

    tables: dict[str, Types]
    pseudo: set[str] = field(default_factory=set)
    parameters: Types = field(default_factory=dict)
    _functions: list[dict[str, Any]] = field(default_factory=list)
    _registered: int | None = None
    _unregistered: set[str] = field(default_factory=set)
    """What the registered catalog lacks: to register one takes longer than to analyse a statement."""

    def analyze(self, sql: str) -> Resolved:
        """The resolved statement; one that was analysed before, on the same tables, is not analysed again.

        Raises:
            GoogleSqlError: GoogleSQL refuses it.
        """
        named = {name: str(columns) for name, columns in self.tables.items() if re.split("[./]", name)[-1] in sql}
        key = (sql, str(named), str(self.pseudo & named.keys()), str(self.parameters), str(self._functions))
        if key not in _ANALYZED:
            _ANALYZED[key] = self._analyze(sql)
        return _ANALYZED[key]

    def _analyze(self, sql: str) -> Resolved:
        request = service.AnalyzeRequest(registered_catalog_id=self._registered_catalog(sql), sql_statement=sql)
        request.options.CopyFrom(self._options())
        answer = module().call("Analyze", request, Undecoded).data
        kind = service.AnalyzeResponse.DESCRIPTOR.fields_by_name["resolved_statement"]
        ((_, answer),) = [field for field in _fields(answer) if field[0] == kind.number]
        while "node" in kind.message_type.oneofs_by_name:  # kinds of statements are nested
            ((number, answer),) = _fields(answer)
            kind = kind.message_type.fields_by_number[number]
        return Resolved(kind.message_type, answer)

    def evaluate(self, sql: str) -> list[list[Any]]:
        """Rows of a query that reads no table, from GoogleSQL's reference engine."""
        request = service.EvaluateQueryRequest(registered_catalog_id=self._registered_catalog(sql), sql=sql)
        request.options.CopyFrom(self._options())
        response = module().call("EvaluateQuery", request, service.EvaluateQueryResponse)
        return [[_plain(cell) for cell in row.cell] for row in response.content.table_data.row]

    def create(self, name: str, sql: str) -> None:
        """Analyses the CREATE TABLE, and adds the table with the columns that it would have."""
        statement = self.analyze(sql)
        columns = {column.name: column.type for column in statement.field("parent", "column_definition_list")}
        if self.tables.get(name) != columns:
            self.tables[name] = columns
            self._unregistered.add(name)

    def create_function(self, sql: str) -> None:
        """Analyses the CREATE FUNCTION, and adds the function."""
        statement = self.analyze(sql)
        scalar = 1
        path = statement.field("parent", "name_path")
        self._functions.append(
            {"name_path": path, "group": "own", "mode": scalar, "signature": statement.field("signature")}
        )
        self._unregistered.add(path[-1])

    def _options(self) -> Any:
        chosen = options.AnalyzerOptionsProto(
            default_timezone="UTC", error_message_mode=features.ERROR_MESSAGE_ONE_LINE, prune_unused_columns=True
        )
        chosen.language_options.CopyFrom(_language())
        for name, kind in self.parameters.items():
            chosen.query_parameters.add(name=name).type.CopyFrom(type_of(kind))
        return chosen

    def _registered_catalog(self, sql: str) -> int:
        """A catalog with all that the statement names."""
        if any(name in sql for name in self._unregistered):
            self._forget_catalog()
        number = self._registered
        if number is None:
            request = service.RegisterCatalogRequest(simple_catalog=self._catalog())
            number = self._registered = int(
                module().call("RegisterCatalog", request, service.RegisterResponse).registered_id
            )
            self._unregistered.clear()
        return number

    def _forget_catalog(self) -> None:
        if self._registered is not None:
            request = service.UnregisterRequest(registered_id=self._registered)
            module().call("UnregisterCatalog", request, importlib.import_module("google.protobuf.empty_pb2").Empty)
            self._registered = None

    def _catalog(self) -> Any:
        root = catalogs.SimpleCatalogProto(name="root")
        root.builtin_function_options.language_options.CopyFrom(_language())
        for number, (name, columns) in enumerate(self.tables.items(), start=1):
            home, last = root, name
            if "/" in name:  # a view of metadata, below its dataset
                *folders, last = name.split("/")
                for folder in folders:
                    home = home.catalog.add(name=folder)
            table = home.table.add(name=last, full_name=name, serialization_id=number)
            for column, kind in columns.items():
                table.column.add(name=column).type.CopyFrom(type_of(kind))
            if name in self.pseudo:
                for column, kind in {"_PARTITIONDATE": "DATE", "_PARTITIONTIME": "TIMESTAMP"}.items():
                    table.column.add(name=column, is_pseudo_column=True).type.CopyFrom(type_of(kind))
        for function in self._functions:
            root.custom_function.add(**function)
        return root


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)
