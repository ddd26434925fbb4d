"""Imports over HTTP: files come here; the words know what is in them."""

import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Body, Parameter
from litestar.response import Stream

from perpetua.access.types import Actor
from perpetua.app.exports_http import download
from perpetua.app.files import kind_of
from perpetua.app.imports_jobs import enqueue, enqueue_undo
from perpetua.kit import imports, json
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue
from perpetua.kit.http import PathId
from perpetua.kit.imports import Import, ImportError_, ImportOptions, Source
from perpetua.kit.listing import Page, PageRequest
from perpetua.kit.tabular import Limits, csv_stream

__all__ = ["MAX_UPLOAD_BYTES", "handlers"]

MAX_UPLOAD_BYTES: Final = 100_000_000
LIMITS: Final = Limits(size_bytes=500_000_000, rows=2_000_000)
UNDO_AT_ONCE: Final = 2_000
"""Rows of an import that is undone while its sender waits."""
_ERRORS: Final = ("file", "line", "field", "value", "code", "reason")
_BLOCK: Final = 1 << 20


@dataclass
class Upload:
    """A file and how to read it."""

    file: UploadFile
    mapping: str = field(default="{}", metadata={"description": "JSON: field to the title of its column."})
    constants: str = "{}"
    kind_options: str = "{}"
    dry_run: bool = False
    again: bool = False
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""


Form = Annotated[Upload, Body(media_type=RequestEncodingType.MULTI_PART)]


@post("/api/products/bulk-import", tags=["imports"], status_code=202, request_max_body_size=MAX_UPLOAD_BYTES)
async def import_products(db: Database, actor: Actor, data: Form) -> Response[Import]:
    """Import products from a CSV, TSV or XLSX file (plain, .gz, .zip), sent as multipart form.

    Answers at once; the worker does the rest. Follow it at the address in `Location`. `mapping` is a JSON object from
    field to column title, where titles do not tell; `constants` one from field to a value for rows that say nothing.
    With `dry_run` everything is checked and nothing kept but the report.
    """
    return await _submit(db, actor, "products", data)


@post("/api/imports/{kind:str}", tags=["imports"], status_code=202, request_max_body_size=MAX_UPLOAD_BYTES)
async def import_any(
    db: Database, actor: Actor, kind: Annotated[str, Parameter(max_length=40)], data: Form
) -> Response[Import]:
    """Import rows of any kind: as at `/api/products/bulk-import`."""
    return await _submit(db, actor, kind, data)


@get("/api/imports", tags=["imports"])
async def list_imports(
    db: Database, actor: Actor, page: PageRequest, kind: Annotated[str | None, Parameter(max_length=40)] = None
) -> Page[Import]:
    """Imports, the latest first."""
    actor.require("imports.run")
    found = await imports.list_imports(db, page, kind=kind)
    return Page(items=[_shown(one, actor) for one in found.items], next_cursor=found.next_cursor)


@get("/api/imports/{import_id:int}", tags=["imports"])
async def get_import(db: Database, actor: Actor, import_id: PathId) -> Import:
    """How far an import is, and what it came to."""
    actor.require("imports.run")
    return _shown(await imports.get_import(db, import_id), actor)


@get("/api/imports/{import_id:int}/errors", tags=["imports"])
async def list_errors(db: Database, actor: Actor, import_id: PathId, page: PageRequest) -> Page[ImportError_]:
    """Why rows were not taken, in the order of the file: line, field, value and reason."""
    actor.require("imports.run")
    await imports.get_import(db, import_id)
    return await imports.errors_of(db, import_id, page)


@get("/api/imports/{import_id:int}/errors.csv", tags=["imports"], media_type="text/csv")
async def download_errors(db: Database, actor: Actor, import_id: PathId) -> Stream:
    """All bad rows as a CSV."""
    actor.require("imports.run")
    await imports.get_import(db, import_id)

    async def rows() -> AsyncIterator[list[list[Any]]]:
        async for batch in imports.stream_errors(db, import_id):
            yield [[getattr(one, name) for name in _ERRORS] for one in batch]

    return download(csv_stream(_ERRORS, rows()), f"import-{import_id}-errors", "csv")


@post(
    "/api/imports/{import_id:int}/undo",
    tags=["imports"],
    status_code=200,
    responses={202: ResponseSpec(Import, description="The worker takes it back; follow it.", generate_examples=False)},
)
async def undo_import(db: Database, actor: Actor, import_id: PathId) -> Response[Import]:
    """Take back all that the import did, or nothing: refused where something was changed or used since.

    A small import is taken back at once. One of over 2,000 rows is answered with 202 and left to the worker: follow it
    at the address in `Location`, by `undo_done` of `undo_total`, until its `state` is `undone`; where it is `done` or
    `failed` again, `undo_failure` says why.
    """
    actor.require("imports.run")
    known = await imports.get_import(db, import_id)
    kind = kind_of(known.kind)
    if known.rows_done <= UNDO_AT_ONCE:
        return Response(_shown(await imports.undo(db, actor, kind, import_id), actor), status_code=200)
    begun = await imports.submit_undo(db, actor, kind, import_id, also=enqueue_undo)
    return Response(_shown(begun, actor), status_code=202, headers={"Location": f"/api/imports/{import_id}"})


async def _submit(db: Database, actor: Actor, kind: str, data: Upload) -> Response[Import]:
    actor.require("imports.run")
    chosen = kind_of(kind)
    options = ImportOptions(
        mapping=_object(data.mapping, "mapping", dict[str, str]),
        constants=_object(data.constants, "constants", dict[str, str]),
        kind=_object(data.kind_options, "kind_options", dict[str, Any]),
        dry_run=data.dry_run,
        again=data.again,
        encoding=data.encoding or None,
        delimiter=data.delimiter or None,
        sheet=data.sheet or None,
    )

    with tempfile.TemporaryDirectory(prefix="perpetua-upload-") as folder:
        path = Path(folder) / "upload"  # never the sender's name
        with path.open("wb") as file:
            while block := await data.file.read(_BLOCK):
                file.write(block)
        sources = [Source(path, _harmless(data.file.filename))]
        made = await imports.submit(db, actor, chosen, sources, options, also=enqueue, limits=LIMITS)
    return Response(_shown(made, actor), headers={"Location": f"/api/imports/{made.id}"})


def _object(text: str, name: str, kind: type[Any]) -> Any:
    try:
        return json.decode(text or "{}", kind)
    except (msgspec.MsgspecError, UnicodeError) as odd:
        raise InvalidValue(name, text, f"is no such JSON object: {odd}") from None


def _harmless(name: str | None) -> str:
    """The last part of a sent file name, to be shown; no file of ours is ever called so."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    shown = "".join(sign for sign in last if sign.isprintable()).strip(". ")
    return shown[:100] or "upload"


def _shown(one: Import, actor: Actor) -> Import:
    """Constants may hold a cost price."""
    if actor.sees_costs or not one.options.constants:
        return one
    return msgspec.structs.replace(one, options=msgspec.structs.replace(one.options, constants={}))


handlers: list[Any] = [
    import_products, import_any, list_imports, get_import, list_errors, download_errors, undo_import,
]  # fmt: skip
