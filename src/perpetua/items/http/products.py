"""Products, variants and barcodes over HTTP."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.items import service
from perpetua.items.types import (
    AddBarcode,
    Attributes,
    BarcodeRow,
    BarcodeShown,
    ChangeProduct,
    ChangeVariant,
    CreateProduct,
    Product,
    ProductFilters,
    SetComponents,
    Variant,
)
from perpetua.kit import json
from perpetua.kit.clock import parse_instant
from perpetua.kit.database import Database
from perpetua.kit.errors import InvalidValue
from perpetua.kit.http import IdempotencyKey, IfMatch, PathId, QueryId, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest

__all__ = ["handlers"]

Scanned = Annotated[str, Parameter(max_length=1000, description="As typed, as a scanner sent it, or as kept.")]


@get("/api/products", tags=["items"])
async def list_products(
    db: Database,
    actor: Actor,
    page: PageRequest,
    q: Annotated[str | None, Parameter(max_length=300, description="Words, a SKU or a barcode; typos allowed.")] = None,
    sku: Annotated[str | None, Parameter(max_length=64, description="That of one of its variants.")] = None,
    category: QueryId = None,
    owner: QueryId = None,
    active: bool | None = None,
    attributes: Annotated[
        str | None,
        Parameter(max_length=4000, description='A JSON object that it, or a variant of it, holds: `{"colour":"red"}`.'),
    ] = None,
    updated_since: Annotated[str | None, Parameter(max_length=40, description="RFC 3339, or a date.")] = None,
) -> Page[Product]:
    """Products with their variants. A category takes in what is below it.

    Sorted by `sku`, `name` or `updated_at`; `-name` is backwards. With `q` by how well they answer, in one page.
    Cost prices are there for readers with `costs.read`.
    """
    filters = ProductFilters(
        q=q,
        sku=sku,
        category=category,
        owner=owner,
        active=active,
        attributes=None if attributes is None else _attributes(attributes),
        updated_since=None if updated_since is None else parse_instant(updated_since, "updated_since"),
    )
    return await service.list_products(db, actor, filters, page)


@post("/api/products", tags=["items"])
async def create_product(
    db: Database, actor: Actor, data: CreateProduct, idempotency_key: IdempotencyKey = None
) -> Response[Product]:
    """Make a product with its variants and their barcodes, all or nothing."""
    made = await service.create_product(db, actor, data, key=idempotency_key)
    return reply(made, version=made.answer.version)


@get("/api/products/{product_id:int}", tags=["items"])
async def get_product(db: Database, actor: Actor, product_id: PathId) -> Response[Product]:
    """One product with variants, barcodes and images, and its ETag."""
    product = await service.read_product(db, actor, product_id)
    return Response(product, headers={"ETag": etag(product.version)})


@patch("/api/products/{product_id:int}", tags=["items"])
async def change_product(
    db: Database,
    actor: Actor,
    product_id: PathId,
    data: ChangeProduct,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Product]:
    """Change a product, some of its variants (`variants`), and add some (`new_variants`). Needs If-Match."""
    version = version_of(if_match)
    made = await service.change_product(db, actor, product_id, data, version=version, key=idempotency_key)
    return reply(made, status_code=200, version=made.answer.version)


@get("/api/variants/{variant_id:int}", tags=["items"])
async def get_variant(db: Database, actor: Actor, variant_id: PathId) -> Response[Variant]:
    """One variant with its barcodes, and its ETag."""
    variant = await service.read_variant(db, actor, variant_id)
    return Response(variant, headers={"ETag": etag(variant.version)})


@patch("/api/variants/{variant_id:int}", tags=["items"])
async def change_variant(
    db: Database,
    actor: Actor,
    variant_id: PathId,
    data: ChangeVariant,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Variant]:
    """Change one variant. Unit and tracking are fixed once it has stock history. Needs If-Match."""
    version = version_of(if_match)
    made = await service.change_variant(db, actor, variant_id, data, version=version, key=idempotency_key)
    return reply(made, status_code=200, version=made.answer.version)


@put("/api/variants/{variant_id:int}/components", tags=["items"])
async def set_components(
    db: Database,
    actor: Actor,
    variant_id: PathId,
    data: SetComponents,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response[Variant]:
    """Make a variant a kit of these components (each so many in one), or with an empty list no kit any more.

    A kit has no stock of its own: it is received, counted and shipped as its components. A component is no kit. Needs
    If-Match.
    """
    version = version_of(if_match)
    made = await service.set_components(db, actor, variant_id, data, version=version, key=idempotency_key)
    return reply(made, status_code=200, version=made.answer.version)


@post("/api/variants/{variant_id:int}/barcodes", tags=["items"])
async def add_barcode(
    db: Database, actor: Actor, variant_id: PathId, data: AddBarcode, idempotency_key: IdempotencyKey = None
) -> Response[BarcodeRow]:
    """Give a variant one more barcode: a case of 12 has `level: case` and `units: 12`."""
    return reply(await service.add_barcode(db, actor, variant_id, data, key=idempotency_key))


@delete("/api/variants/{variant_id:int}/barcodes/{barcode_id:int}", tags=["items"])
async def remove_barcode(db: Database, actor: Actor, variant_id: PathId, barcode_id: PathId) -> None:
    """Take a barcode from a variant."""
    await service.remove_barcode(db, actor, variant_id, barcode_id)


@get("/api/barcodes/{code:str}", tags=["items"])
async def get_barcode(db: Database, actor: Actor, code: Scanned) -> BarcodeShown:
    """What a barcode names, and how many units one scan stands for. GS1 data is read for its GTIN."""
    return await service.read_barcode(db, actor, code)


def _attributes(text: str) -> Attributes:
    try:
        return json.decode(text, Attributes)
    except (msgspec.DecodeError, RecursionError):
        raise InvalidValue("attributes", text, 'is no JSON object; write it like {"colour":"red"}') from None


handlers: list[HTTPRouteHandler] = [
    list_products,
    create_product,
    get_product,
    change_product,
    get_variant,
    change_variant,
    set_components,
    add_barcode,
    remove_barcode,
    get_barcode,
]
