"""The same command twice has one effect and one answer.

Always true:
- A key belongs to whoever sent it; the first command under it writes the key in its own transaction.
- The same key with the same body gets the stored answer; with another body it is refused (409).
- A command that was refused leaves no key behind: it may be sent again.
- Two at once: the second waits for the first on the key's unique index, then gets its answer.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit import json
from perpetua.kit.database import Database, Queries, Tx, metadata
from perpetua.kit.errors import Conflict, InvalidValue

__all__ = ["Answered", "KeyReused", "once"]

T = TypeVar("T")
MAX_KEY = 200

commands = sa.Table(
    "idempotent_commands",
    metadata,
    sa.Column("sender", sa.BigInteger, primary_key=True, comment="person id; 0 is the system itself"),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("body_hash", sa.LargeBinary, nullable=False),
    sa.Column("answer", JSONB),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)

Q = Queries(__file__, "idempotency.sql")


class KeyReused(Conflict):
    """The key was used before for another command or body."""

    code = "idempotency_key_reused"
    title = "This idempotency key was used for something else"
    sentence = "The key {key} was used for {command} with another body."
    remedy = "Send a new key with a new command."


class Answered(msgspec.Struct, Generic[T], frozen=True):
    """An answer, and whether it is a repeated one."""

    answer: T
    replayed: bool = False


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    command: str
    body_hash: bytes
    answer: Any
    created_at: datetime


async def once(
    db: Database,
    *,
    sender: int,
    key: str | None,
    command: str,
    body: Any,
    answer: type[T],
    act: Callable[[Tx], Awaitable[T]],
) -> Answered[T]:
    """Run `act` in one transaction, unless `sender` already ran this command under `key`.

    Args:
        sender: the person's id (0 for the system).
        key: the caller's idempotency key; None runs without protection.
        command: the command's name, part of what must be the same.
        body: what was asked, hashed as JSON.
        answer: type of the answer, to read a stored one back.

    Raises:
        KeyReused: same key, other command or body.
        InvalidValue: an empty or overlong key.
    """
    if key is None:
        return Answered(await db.run(act))
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise InvalidValue("Idempotency-Key", key, f"must have 1 to {MAX_KEY} printable characters")
    digest = hashlib.sha256(json.dumps([command, body])).digest()
    this = {"sender": sender, "key": key, "command": command, "body_hash": digest}

    async def guarded(tx: Tx) -> Answered[T]:
        if not await tx.execute(Q["claim_key"], this):
            known = await tx.maybe(Q["known_key"], this, as_=_Known)
            assert known is not None
            if known.body_hash != digest:
                raise KeyReused(key=key, command=known.command, first_used_at=known.created_at)
            return Answered(msgspec.convert(known.answer, answer, strict=False), replayed=True)
        made = await act(tx)
        await tx.execute(Q["keep_answer"], {**this, "answer": json.dumps(made).decode()})
        return Answered(made)

    return await db.run(guarded)
