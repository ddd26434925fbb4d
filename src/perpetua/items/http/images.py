"""Pictures of products over HTTP."""

from typing import Annotated

from litestar import Response, delete, get, post
from litestar.datastructures import ResponseHeader, UploadFile
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Body, Parameter

from perpetua.access.types import Actor
from perpetua.items import service
from perpetua.items.types import Image
from perpetua.kit.database import Database
from perpetua.kit.http import PathId
from perpetua.kit.objects import ObjectStore

__all__ = ["handlers"]

Sha256 = Annotated[str, Parameter(max_length=64)]
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Named after its content, so it never changes; private, as a shared cache would show it to those signed out.
    "Cache-Control": "private, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
}


@post(
    "/api/products/{product_id:int}/images",
    tags=["items"],
    request_max_body_size=service.MAX_IMAGE_BYTES + 100_000,
)
async def add_image(
    db: Database,
    actor: Actor,
    objects: ObjectStore,
    product_id: PathId,
    data: Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Image:
    """Add a picture: PNG, JPEG or WebP, at most 5 MB. The content tells its type; the file's name is not used."""
    return await service.add_image(db, actor, objects, product_id, await data.read())


@delete("/api/products/{product_id:int}/images/{image_id:int}", tags=["items"])
async def remove_image(db: Database, actor: Actor, objects: ObjectStore, product_id: PathId, image_id: PathId) -> None:
    """Take a picture from a product."""
    await service.remove_image(db, actor, objects, product_id, image_id)


@get(
    "/api/images/{sha256:str}",
    tags=["items"],
    response_headers=[ResponseHeader(name="Cache-Control", description="It never changes.", documentation_only=True)],
    responses={200: ResponseSpec(bytes, description="The picture.", media_type="image/*", generate_examples=False)},
)
async def get_image(db: Database, actor: Actor, objects: ObjectStore, sha256: Sha256) -> Response[bytes]:
    """The content of a picture, by its SHA-256 as products name it."""
    image = await service.read_image(db, actor, objects, sha256)
    return Response(image.content, media_type=image.media_type, headers=HEADERS)


handlers: list[HTTPRouteHandler] = [add_image, remove_image, get_image]
