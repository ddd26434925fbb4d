"""Statements of access."""

from typing import Any

from perpetua.access.types import Actor
from perpetua.kit import json
from perpetua.kit.database import Queries, Tx

__all__ = ["write_audit"]

Q = Queries(__file__)


async def write_audit(tx: Tx, actor: Actor, kind: str, rows: list[dict[str, Any]], request_id: str | None) -> None:
    """Add rows to the trail."""
    who = {"actor_id": actor.person_id, "via": actor.via, "kind": kind, "request_id": request_id}
    await tx.execute(Q["write_audit"], {**who, "changes": json.dumps(rows).decode()})
