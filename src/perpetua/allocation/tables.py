"""The tables of allocation."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit.columns import INSTANT, QUANTITY, need
from perpetua.kit.database import metadata

__all__ = ["allocation_audit_log", "allocation_config", "order_allocations", "reservations"]


order_allocations = sa.Table(
    "order_allocations", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(need(name, sa.BigInteger) for name in ("line_id", "variant_id", "site_id", "lot_id")),
    need("quantity", QUANTITY),
    need("state", sa.Text),
    need("made_at", INSTANT),
    sa.Column("ended_at", INSTANT),
)  # fmt: skip

reservations = sa.Table(
    "reservations", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(need(name, sa.Text) for name in ("kind", "channel", "holder")),
    *(need(name, sa.BigInteger) for name in ("variant_id", "site_id", "lot_id")),
    need("quantity", QUANTITY),
    need("state", sa.Text),
    need("expires_at", INSTANT),
    need("created_by", sa.BigInteger),
    need("created_at", INSTANT),
    sa.Column("ended_at", INSTANT),
)  # fmt: skip

allocation_config = sa.Table(
    "allocation_config", metadata,
    sa.Column("version", sa.Integer, primary_key=True),
    need("rules", JSONB),
    sa.Column("note", sa.Text),
    need("created_by", sa.BigInteger),
    need("created_at", INSTANT),
)  # fmt: skip

allocation_audit_log = sa.Table(
    "allocation_audit_log", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("at", INSTANT),
    need("actor_id", sa.BigInteger),
    need("action", sa.Text),
    *(sa.Column(name, sa.BigInteger) for name in ("order_id", "line_id", "reservation_id")),
    need("variant_id", sa.BigInteger),
    *(need(name, QUANTITY) for name in ("asked", "given")),
    need("config_version", sa.Integer),
    need("facts", JSONB),
    sa.Column("reason", sa.Text),
)  # fmt: skip
