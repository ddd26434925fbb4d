"""The rules of allocation over HTTP."""

from datetime import datetime
from typing import Annotated

from litestar import Response, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from perpetua.access.types import Actor
from perpetua.allocation import service
from perpetua.allocation.types import RulesVersion, ServiceLevel, SetRules
from perpetua.kit.clock import Clock
from perpetua.kit.database import Database
from perpetua.kit.http import IdempotencyKey, IfMatch, etag, reply, version_of
from perpetua.kit.listing import Page, PageRequest

__all__ = ["handlers"]

Version = Annotated[int, Parameter(ge=1, le=2**31 - 1)]


@get("/api/allocation/rules", tags=["allocation"])
async def get_rules(db: Database, actor: Actor) -> Response[RulesVersion]:
    """The rules that decide who gets what, with their ETag."""
    rules = await service.get_rules(db, actor)
    return Response(rules, headers={"ETag": etag(rules.version)})


@put("/api/allocation/rules", tags=["allocation"])
async def set_rules(
    db: Database, actor: Actor, data: SetRules, if_match: IfMatch = None, idempotency_key: IdempotencyKey = None
) -> Response[RulesVersion]:
    """Make a new version of the rules: every decision from now on goes by it, and those who wait are looked at again.

    No version is ever changed. Needs If-Match.
    """
    made = await service.set_rules(db, actor, data, version=version_of(if_match), key=idempotency_key)
    return reply(made, status_code=200, version=made.answer.version)


@get("/api/allocation/rules/versions", tags=["allocation"])
async def list_rules(db: Database, actor: Actor, page: PageRequest) -> Page[RulesVersion]:
    """All versions of the rules, the newest first, with who made them and why."""
    return await service.list_rules(db, actor, page)


@get("/api/allocation/rules/versions/{version:int}", tags=["allocation"])
async def get_version(db: Database, actor: Actor, version: Version) -> RulesVersion:
    """The rules as they were at a version."""
    return await service.get_rules(db, actor, version)


@get("/api/allocation/service-levels", tags=["allocation"])
async def service_levels(db: Database, actor: Actor, clock: Clock, since: datetime | None = None) -> list[ServiceLevel]:
    """By channel and tier: the share of lines that were allocated at once, beside the tier's target; of 30 days, or
    since then.
    """
    return await service.service_levels(db, actor, since=since, clock=clock)


handlers: list[HTTPRouteHandler] = [get_rules, set_rules, list_rules, get_version, service_levels]
