"""Labels over HTTP: templates, previews, printing."""

from typing import Annotated, Any, Final

from litestar import Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest
from perpetua.labels import service
from perpetua.labels.types import (
    Choices,
    Format,
    Kind,
    NewTemplate,
    PreviewTemplate,
    PrintLabels,
    Template,
    TemplateBody,
)

__all__ = ["handlers"]

Code = Annotated[str, Parameter(max_length=64)]
MEDIA: Final[dict[Format, str]] = {"pdf": "application/pdf", "zpl": "application/zpl"}
PICTURE: Final[dict[str, Any]] = {
    "tags": ["labels"],
    "status_code": 200,
    "responses": {
        200: ResponseSpec(bytes, description="The picture.", media_type="image/png", generate_examples=False)
    },
}
NOT_KEPT: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@get("/api/labels/templates", tags=["labels"])
async def list_templates(db: Database, actor: Actor, page: PageRequest, kind: Kind | None = None) -> Page[Template]:
    """Templates by code: those that came with the program, and those that were made here."""
    return await service.list_templates(db, actor, kind, page)


@get("/api/labels/choices", tags=["labels"])
async def choices(actor: Actor) -> Choices:
    """What templates can be made of: formats of sheets, fields of each kind of label, symbologies."""
    return service.choices(actor)


@post("/api/labels/templates", tags=["labels"])
async def make_template(
    db: Database, actor: Actor, clock: Clock, data: NewTemplate, idempotency_key: IdempotencyKey = None
) -> Response[Template]:
    """Make a template. What is wrong with it is refused by the name of its field, such as `elements[2].data`."""
    made = await service.make_template(db, actor, data, key=idempotency_key, clock=clock)
    return reply(made, version=made.answer.version)


@get("/api/labels/templates/{code:str}", tags=["labels"])
async def get_template(db: Database, actor: Actor, code: Code) -> Response[Template]:
    """One template, with its ETag."""
    template = await service.get_template(db, actor, code)
    return Response(template, headers={"ETag": etag(template.version)})


@put("/api/labels/templates/{code:str}", tags=["labels"])
async def change_template(
    db: Database,
    actor: Actor,
    clock: Clock,
    code: Code,
    data: TemplateBody,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Template]:
    """Change a template, also one that came with the program. Needs If-Match."""
    version = version_of(if_match)
    changed = await service.change_template(db, actor, code, data, version=version, key=idempotency_key, clock=clock)
    return reply(changed, status_code=200, version=changed.answer.version)


@post("/api/labels/templates/{code:str}/restore", tags=["labels"], status_code=200)
async def restore_template(
    db: Database, actor: Actor, code: Code, if_match: IfMatch = None, idempotency_key: IdempotencyKey = None
) -> Response[Template]:
    """Make a template that came with the program what it was. Needs If-Match."""
    restored = await service.restore_template(db, actor, code, version=version_of(if_match), key=idempotency_key)
    return reply(restored, status_code=200, version=restored.answer.version)


@delete("/api/labels/templates/{code:str}", tags=["labels"])
async def remove_template(db: Database, actor: Actor, code: Code, if_match: IfMatch = None) -> None:
    """Remove a template that was made here. Needs If-Match."""
    await service.remove_template(db, actor, code, version=version_of(if_match))


@get("/api/labels/templates/{code:str}/preview", **PICTURE)
async def preview_template(
    db: Database,
    actor: Actor,
    clock: Clock,
    code: Code,
    dpi: Annotated[int, Parameter(ge=72, le=300, description="Dots per inch of the picture.")] = 203,
) -> Response[bytes]:
    """A picture of a label of this template, with usual values."""
    picture = await service.preview(db, actor, code, dpi=dpi, clock=clock)
    return Response(picture, media_type="image/png", headers=NOT_KEPT)


@post("/api/labels/preview", **PICTURE)
async def preview(db: Database, actor: Actor, clock: Clock, data: PreviewTemplate) -> Response[bytes]:
    """A picture of a label of a template that is not kept yet. Nothing is changed."""
    picture = await service.preview(db, actor, data, clock=clock)
    return Response(picture, media_type="image/png", headers=NOT_KEPT)


@post(
    "/api/labels/print",
    tags=["labels"],
    status_code=200,
    responses={200: ResponseSpec(bytes, description="The labels.", media_type="*/*", generate_examples=False)},
)
async def print_labels(db: Database, actor: Actor, clock: Clock, data: PrintLabels) -> Response[bytes]:
    """Labels as PDF or ZPL, up to 1,000 at once. Nothing is changed.

    All of them or none: a label that could not be read is refused by its name and field.
    """
    printed = await service.print_labels(db, actor, data, clock=clock)
    headers = {
        **NOT_KEPT,
        "Content-Disposition": f'attachment; filename="{printed.template}.{printed.format}"',
        "X-Label-Count": str(printed.labels),
    }
    return Response(printed.content, media_type=MEDIA[printed.format], headers=headers)


handlers: list[HTTPRouteHandler] = [
    list_templates, choices, make_template, get_template, change_template, restore_template, remove_template,
    preview_template, preview, print_labels,
]  # fmt: skip
