"""How we buy, over HTTP."""

from litestar import Response, get, put
from litestar.handlers import HTTPRouteHandler

from perpetua.access.types import Actor
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, etag, reply, version_of
from perpetua.purchasing import service
from perpetua.purchasing.types import SetSettings, Settings

__all__ = ["handlers"]


@get("/api/purchasing-settings", tags=["purchasing"])
async def get_settings(db: Database, actor: Actor) -> Response[Settings]:
    """How we buy: the company's currency, from which total on two persons must approve, how much more than ordered is
    taken, and what other currencies are worth. With its ETag."""
    found = await service.get_settings(db, actor)
    return Response(found, headers={"ETag": etag(found.version)})


@put("/api/purchasing-settings", tags=["purchasing"])
async def set_settings(
    db: Database, actor: Actor, data: SetSettings, if_match: IfMatch = None, idempotency_key: IdempotencyKey = None
) -> Response[Settings]:
    """Set it anew, whole. Needs If-Match. Orders that are there keep their rate; drafts need what is asked now."""
    done = await service.set_settings(db, actor, data, version=version_of(if_match), key=idempotency_key)
    return reply(done, status_code=200, version=done.answer.version)


handlers: list[HTTPRouteHandler] = [get_settings, set_settings]
