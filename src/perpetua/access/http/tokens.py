"""API tokens and the audit trail over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Final

from litestar import delete, get, post
from litestar.params import Parameter

from perpetua.access import service
from perpetua.access.types import Actor, AuditEntry, AuditFilters, CreateToken, Token, TokenMade
from perpetua.kit.clock import Clock, parse_instant
from perpetua.kit.database import Database
from perpetua.kit.http import Id
from perpetua.kit.listing import Page, PageRequest

__all__ = ["handlers"]

TAGS: Final = ["access"]
DATE_LENGTH: Final = len("2026-03-01")


@get("/api/tokens", tags=TAGS)
async def list_tokens(
    db: Database,
    actor: Actor,
    page: PageRequest,
    person_id: Annotated[Id | None, Parameter(description="Another's; needs `people.read`.")] = None,
    everybody: Annotated[bool, Parameter(description="Everybody's; needs `people.read`.")] = False,
) -> Page[Token]:
    """One's own API tokens, the newest first; never what it takes to use them."""
    return await service.list_tokens(db, actor, page, person_id=person_id, everybody=everybody)


@post("/api/tokens", tags=TAGS, status_code=201)
async def create_token(data: CreateToken, db: Database, actor: Actor, clock: Clock) -> TokenMade:
    """Make an API token for a program. Its `secret` is shown this once; it takes no idempotency key for that reason."""
    return await service.create_token(db, actor, data, clock=clock)


@delete("/api/tokens/{token_id:int}", tags=TAGS)
async def revoke_token(token_id: Id, db: Database, actor: Actor) -> None:
    """Revoke a token, at once; another's needs `people.write`."""
    await service.revoke_token(db, actor, token_id)


@get("/api/audit", tags=TAGS)
async def list_audit(
    db: Database,
    actor: Actor,
    page: PageRequest,
    kind: Annotated[str | None, Parameter(max_length=60, description="person, token, product, place, …")] = None,
    subject_id: Annotated[str | None, Parameter(query="id", max_length=200, description="Of what was changed.")] = None,
    action: Annotated[str | None, Parameter(max_length=60, description="created, updated, …")] = None,
    actor_id: Annotated[Id | None, Parameter(query="actor", description="Who did it.")] = None,
    since: Annotated[str | None, Parameter(query="from", max_length=40, description="RFC 3339, or a date.")] = None,
    until: Annotated[str | None, Parameter(query="to", max_length=40, description="RFC 3339, or a date.")] = None,
) -> Page[AuditEntry]:
    """Who changed what, the newest first. Needs `audit.read`; costs are shown with `costs.read`."""
    begun = f"{since}T00:00:00Z" if since is not None and len(since) == DATE_LENGTH else since
    filters = AuditFilters(
        kind=kind,
        id=subject_id,
        action=action,
        actor_id=actor_id,
        since=_instant(begun, "from"),
        until=_instant(until, "to"),
    )
    return await service.list_audit(db, actor, filters, page)


def _instant(text: str | None, field: str) -> datetime | None:
    return None if text is None else parse_instant(text, field)


handlers: list[Any] = [list_tokens, create_token, revoke_token, list_audit]
