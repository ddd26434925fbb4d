"""Pictures of products. The content tells its type and its name: nothing that a sender says about the file is used."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.items import store
from perpetua.items.errors import NotAnImage
from perpetua.items.service import drafts
from perpetua.items.types import Image, ImageContent
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Missing, TooLarge
from perpetua.kit.media import image_type
from perpetua.kit.objects import ObjectStore

__all__ = ["MAX_IMAGE_BYTES", "add_image", "read_image", "remove_image", "remove_unheld_images"]

MAX_IMAGE_BYTES = 5_000_000
MAX_IMAGES = 50
Holds = Callable[[Tx, str], Awaitable[bool]]
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


async def add_image(db: Database, actor: Actor, objects: ObjectStore, product_id: int, content: bytes) -> Image:
    """Add a PNG, JPEG or WebP to a product; the same picture again is the one that is there.

    Raises:
        Missing: no such product. NotAnImage: the content is nothing of these. TooLarge: more than 5 MB, or 50 pictures.
    """
    actor.require("items.write")
    if len(content) > MAX_IMAGE_BYTES:
        raise TooLarge(reason="A picture has at most 5 MB; make it smaller.", limit=MAX_IMAGE_BYTES)
    media_type = image_type(content)
    if media_type is None:
        raise NotAnImage(taken=["image/png", "image/jpeg", "image/webp"])
    sha256 = hashlib.sha256(content).hexdigest()
    row = {"product_id": product_id, "sha256": sha256, "media_type": media_type, "size_bytes": len(content)}

    async def act(tx: Tx) -> Image:
        await _hold(tx, product_id)
        held = await tx.rows(store.Q["images_of_product"], {"product_id": product_id}, as_=Image)
        for image in held:
            if image.sha256 == sha256:
                return image
        if len(held) >= MAX_IMAGES:
            raise TooLarge(reason=f"A product has at most {MAX_IMAGES} pictures.", limit=MAX_IMAGES)
        await tx.value(store.Q["hold_image"], {"sha256": sha256})  # nobody removes it as unheld meanwhile
        # Kept before the row is visible: a row without content would be a fault, content without a row is none.
        await objects.put(sha256, content)
        await tx.value(store.Q["insert_image"], row)
        await tx.value(store.Q["touch_product"], {"id": product_id})
        made = (await tx.rows(store.Q["images_of_product"], {"product_id": product_id}, as_=Image))[-1]
        await audit(tx, actor, "product", product_id, "image added", None, made)
        return made

    return await db.run(act)


async def remove_image(db: Database, actor: Actor, objects: ObjectStore, product_id: int, image_id: int) -> None:
    """Take a picture from a product. Its content stays in the store for a day, and while another product has it.

    Raises:
        Missing: the product has none with this id.
    """
    actor.require("items.write")

    async def act(tx: Tx) -> None:
        await _hold(tx, product_id)
        this = {"id": image_id, "product_id": product_id}
        gone = await tx.maybe(store.Q["delete_image"], this, as_=Image) if 0 < image_id < 2**63 else None
        if gone is None:
            raise Missing("image", image_id, product_id=product_id)
        await tx.value(store.Q["touch_product"], {"id": product_id})
        await audit(tx, actor, "product", product_id, "image removed", gone, None)
        await objects.renew(gone.sha256)

    await db.run(act)


async def remove_unheld_images(
    db: Database, objects: ObjectStore, *, before: datetime, also_held: Sequence[Holds] = ()
) -> int:
    """Remove the contents that no product has had since `before`; how many there were.

    Args:
        also_held: whether another word has a content; all words' files lie in one store.
    """
    removed = 0
    for sha256 in await objects.older(before):

        async def act(tx: Tx, sha256: str = sha256) -> bool:
            await tx.value(store.Q["hold_image"], {"sha256": sha256})
            if await tx.value(store.Q["image_type"], {"sha256": sha256}):
                return False
            for holds in also_held:
                if await holds(tx, sha256):
                    return False
            await objects.remove(sha256)
            return True

        removed += await db.run(act)
    return removed


async def read_image(db: Database, actor: Actor, objects: ObjectStore, sha256: str) -> ImageContent:
    """The content of a picture and its type.

    Raises:
        Missing: no product has it.
    """
    actor.require("items.read")
    if not _SHA256.fullmatch(sha256):
        raise Missing("image", sha256)
    async with db.snapshot() as tx:
        media_type = await tx.value(store.Q["image_type"], {"sha256": sha256})
    content = await objects.get(sha256) if media_type else None
    if content is None:
        raise Missing("image", sha256)
    return ImageContent(media_type=media_type, content=content)


async def _hold(tx: Tx, product_id: int) -> None:
    known = 0 < product_id <= drafts.LARGEST_ID
    if not known or await tx.value(store.Q["lock_product"], {"id": product_id}) is None:
        raise Missing("product", product_id)
