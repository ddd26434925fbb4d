"""The same command twice has one effect and one answer.

Always true:
- A key belongs to whoever sent it; the first command under it writes the key in its own transaction.
- The same key with the same body gets the stored answer; with another body it is refused (409).
- A command that was refused leaves no key behind: it may be sent again.
- Two at once: the second waits for the first on the key's unique index, then gets its answer.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit import json
from perpetua.kit.database import Database, Queries, Tx, array, metadata
from perpetua.kit.errors import Conflict, InvalidValue

__all__ = ["MAX_KEY", "Answered", "Claim", "KeyReused", "digest", "keep_many", "known_many", "once"]

T = TypeVar("T")
MAX_KEY: Final = 200

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
    body_hash = digest(command, body)
    this = {"sender": sender, "key": checked(key), "command": command, "body_hash": body_hash}

    async def guarded(tx: Tx) -> Answered[T]:
        if not await tx.execute(Q["claim_key"], this):
            known = await tx.maybe(Q["known_key"], this, as_=_Known)
            assert known is not None
            if known.body_hash != body_hash:
                raise KeyReused(key=key, command=known.command, first_used_at=known.created_at)
            return Answered(msgspec.convert(known.answer, answer, strict=False), replayed=True)
        made = await act(tx)
        await tx.execute(Q["keep_answer"], {**this, "answer": json.dumps(made).decode()})
        return Answered(made)

    return await db.run(guarded)


def digest(command: str, body: Any) -> bytes:
    """What tells one body of a command from another; 32 bytes."""
    return hashlib.sha256(json.dumps([command, body])).digest()


def checked(key: str) -> str:
    """The key, when it is one.

    Raises:
        InvalidValue: it is empty or too long.
    """
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise InvalidValue("Idempotency-Key", key, f"must have 1 to {MAX_KEY} printable characters")
    return key


class Claim(NamedTuple):
    """A key under which one of many commands came."""

    sender: int
    key: str
    command: str
    body_hash: bytes


async def known_many(
    tx: Tx, claims: Sequence[Claim], answer: type[T]
) -> dict[tuple[int, str], Answered[T] | KeyReused]:
    """For commands that run many to a transaction: the stored answers of those that ran before, by sender and key."""
    if not claims:
        return {}
    params = {"senders": [claim.sender for claim in claims], "keys": [claim.key for claim in claims]}
    stored = {(row["sender"], row["key"]): row for row in await tx.dicts(Q["known_keys"], params)}
    found: dict[tuple[int, str], Answered[T] | KeyReused] = {}
    for claim in claims:
        known = stored.get((claim.sender, claim.key))
        if known is not None and known["body_hash"] == claim.body_hash:
            found[claim.sender, claim.key] = Answered(
                msgspec.convert(known["answer"], answer, strict=False), replayed=True
            )
        elif known is not None:
            first = {"command": known["command"], "first_used_at": known["created_at"]}
            found[claim.sender, claim.key] = KeyReused(key=claim.key, **first)
    return found


async def keep_many(tx: Tx, answers: Sequence[tuple[Claim, Any]]) -> None:
    """Keep the answers of commands that `known_many` did not know. Where another has kept one of them in the meantime,
    a UniqueViolation ends the transaction: run again, `known_many` finds it."""
    if not answers:
        return
    params = {
        "senders": array([claim.sender for claim, _ in answers]), "keys": [claim.key for claim, _ in answers],
        "commands": array([claim.command for claim, _ in answers]),
        "hashes": array([claim.body_hash.hex() for claim, _ in answers]),
        "answers": array([json.dumps(answer).decode() for _, answer in answers]),
    }  # fmt: skip
    await tx.execute(Q["keep_answers"], params)
