"""The tables of allocation."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit.database import metadata

__all__ = ["allocation_audit_log", "allocation_config", "order_allocations", "reservations"]

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(18, 4)


def _need(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


order_allocations = sa.Table(
    "order_allocations", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(_need(name, sa.BigInteger) for name in ("line_id", "variant_id", "site_id", "lot_id")),
    _need("quantity", QUANTITY),
    _need("state", sa.Text),
    _need("made_at", INSTANT),
    sa.Column("ended_at", INSTANT),
)  # fmt: skip

reservations = sa.Table(
    "reservations", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(_need(name, sa.Text) for name in ("kind", "channel", "holder")),
    *(_need(name, sa.BigInteger) for name in ("variant_id", "site_id", "lot_id")),
    _need("quantity", QUANTITY),
    _need("state", sa.Text),
    _need("expires_at", INSTANT),
    _need("created_by", sa.BigInteger),
    _need("created_at", INSTANT),
    sa.Column("ended_at", INSTANT),
)  # fmt: skip

allocation_config = sa.Table(
    "allocation_config", metadata,
    sa.Column("version", sa.Integer, primary_key=True),
    _need("rules", JSONB),
    sa.Column("note", sa.Text),
    _need("created_by", sa.BigInteger),
    _need("created_at", INSTANT),
)  # fmt: skip

allocation_audit_log = sa.Table(
    "allocation_audit_log", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    _need("at", INSTANT),
    _need("actor_id", sa.BigInteger),
    _need("action", sa.Text),
    *(sa.Column(name, sa.BigInteger) for name in ("order_id", "line_id", "reservation_id")),
    _need("variant_id", sa.BigInteger),
    *(_need(name, QUANTITY) for name in ("asked", "given")),
    _need("config_version", sa.Integer),
    _need("facts", JSONB),
    sa.Column("reason", sa.Text),
)  # fmt: skip
