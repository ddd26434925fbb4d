"""API tokens: what programs sign in with.

Always true:
- A token's secret is shown once, when it is made; the database has its hash alone.
- A token has no more permissions and places than its owner and its maker, expires within 366 days, and can be revoked.
"""

from perpetua.access import rules, store
from perpetua.access.errors import BeyondOwnRights
from perpetua.access.service import crypto
from perpetua.access.service.audit import audit
from perpetua.access.service.people import manageable, own_credentials
from perpetua.access.types import Actor, CreateToken, Token, TokenMade
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Conflict, Missing
from perpetua.kit.listing import Page, PageRequest, page_of

__all__ = ["create_token", "list_tokens", "revoke_token"]

HINT_LENGTH = 8


async def create_token(
    db: Database,
    actor: Actor,
    command: CreateToken,
    *,
    person_id: int | None = None,
    clock: Clock = system_clock,
) -> TokenMade:
    """A new API token, of the actor's own or, for who administers people, of somebody who has no more than they.

    There is no idempotency key: a kept answer would hold the secret.

    Raises:
        BeyondOwnRights: more permissions or places than the owner or the actor has.
        InvalidValue: name or expiry; Missing: no such person; Conflict: they are not active.
    """
    owner_id = actor.person_id if person_id is None else person_id
    if owner_id == actor.person_id:
        own_credentials(actor)
    else:
        actor.require("people.write")
    name = rules.check_name(command.name)
    expires_at = rules.check_expiry(command.expires_at, clock())
    secret = crypto.new_token(crypto.TOKEN_PREFIX)

    async def act(tx: Tx) -> TokenMade:
        owner = await store.person(tx, owner_id, lock=True)
        if owner is None:
            raise Missing("person", owner_id)
        if owner_id != actor.person_id:
            await manageable(tx, actor, owner)
        if not owner.active:
            raise Conflict(reason=f"{owner.name} is not active.")
        permissions = rules.token_permissions(actor, owner.role, command.permissions)
        scope = None if command.scope is None else sorted(set(command.scope))
        for own in (owner.scope, actor.scope_ids):
            if own is not None and scope is not None and (beyond := await store.scope_beyond(tx, own, scope)):
                raise BeyondOwnRights(beyond=f"places {beyond}", places=beyond)
        token = await store.add_token(
            tx, owner_id, name=name, hint=secret[:HINT_LENGTH], token_hash=crypto.digest(secret),
            permissions=sorted(permissions), scope=scope, expires_at=expires_at,
        )  # fmt: skip
        await audit(tx, actor, "token", token.id, "created", None, _facts(token))
        return TokenMade(secret=secret, token=token)

    return await db.run(act)


async def list_tokens(
    db: Database, actor: Actor, page: PageRequest, *, person_id: int | None = None, everybody: bool = False
) -> Page[Token]:
    """The actor's own tokens; another's or everybody's for who may read people. The newest first.

    Raises:
        NotAllowed
    """
    owner = actor.person_id if person_id is None else person_id
    if everybody or owner != actor.person_id:
        actor.require("people.read")
    async with db.snapshot() as tx:
        rows = await store.list_tokens(tx, None if everybody else owner, page)
    return page_of(rows, page, lambda token: [token.id])


async def revoke_token(db: Database, actor: Actor, token_id: int) -> Token:
    """Make a token good for nothing, at once; one that was revoked stays as it is.

    Raises:
        Missing: there is none, or it is another's and the actor does not administer people.
        BeyondOwnRights: it is of somebody who has more than the actor.
    """

    async def act(tx: Tx) -> Token:
        token = await store.token(tx, token_id)
        if token is None or (token.person_id != actor.person_id and not actor.may("people.write")):
            raise Missing("token", token_id)
        owner = await store.person(tx, token.person_id)
        if owner is not None and token.person_id != actor.person_id:
            await manageable(tx, actor, owner)
        if token.revoked_at is not None:
            return token
        await store.revoke_token(tx, token_id)
        await audit(tx, actor, "token", token_id, "revoked", {"name": token.name, "person_id": token.person_id}, None)
        after = await store.token(tx, token_id)
        assert after is not None
        return after

    return await db.run(act)


def _facts(token: Token) -> dict[str, object]:
    return {n: getattr(token, n) for n in ("person_id", "name", "hint", "permissions", "scope", "expires_at")}
