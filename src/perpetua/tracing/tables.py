"""Tracing's tables, as the migrations make them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit.columns import INSTANT, QUANTITY, need
from perpetua.kit.database import metadata

_NUMBER = "'RC-' || lpad(id::text, greatest(6, length(id::text)), '0')"

recalls = sa.Table(
    "recalls", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Text, sa.Computed(_NUMBER), nullable=False),
    need("reason", sa.Text),
    sa.Column("notes", sa.Text),
    need("criteria", JSONB),
    need("opened_at", INSTANT),
    need("opened_by", sa.BigInteger),
    sa.Column("closed_at", INSTANT),
    sa.Column("closed_by", sa.BigInteger),
    need("version", sa.Integer),
)  # fmt: skip

recall_lots = sa.Table(
    "recall_lots", metadata,
    sa.Column("recall_id", sa.BigInteger, primary_key=True),
    sa.Column("lot_id", sa.BigInteger, primary_key=True),
    need("made", sa.Boolean),
    need("was", sa.Text),
    sa.Column("released_at", INSTANT),
    sa.Column("released_by", sa.BigInteger),
    sa.Column("release_reason", sa.Text),
)  # fmt: skip

recall_promises = sa.Table(
    "recall_promises", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("recall_id", sa.BigInteger),
    need("lot_id", sa.BigInteger),
    need("site_id", sa.BigInteger),
    sa.Column("order_id", sa.BigInteger),
    sa.Column("channel", sa.Text),
    sa.Column("holder", sa.Text),
    need("quantity", QUANTITY),
)  # fmt: skip
