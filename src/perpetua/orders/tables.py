"""The tables of sales orders."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit.database import metadata

__all__ = ["customers", "order_contacts", "order_lines", "orders"]

INSTANT = sa.DateTime(timezone=True)
QUANTITY = sa.Numeric(18, 4)
MONEY = sa.Numeric(18, 6)


def _need(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


customers = sa.Table(
    "customers", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    _need("code", sa.Text),
    _need("name", sa.Text),
    sa.Column("tier", sa.Text),
    sa.Column("min_life_days", sa.Integer),
    _need("active", sa.Boolean),
    _need("version", sa.Integer),
    _need("created_at", INSTANT),
    _need("updated_at", INSTANT),
)  # fmt: skip

orders = sa.Table(
    "orders", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    _need("channel", sa.Text),
    _need("external_id", sa.Text),
    _need("body_hash", sa.LargeBinary),
    _need("status", sa.Text),
    _need("fulfilment", sa.Text),
    sa.Column("customer_id", sa.BigInteger),
    sa.Column("tier", sa.Text),
    sa.Column("site_id", sa.BigInteger),
    sa.Column("country", sa.Text),
    sa.Column("region", sa.Text),
    sa.Column("postcode", sa.Text),
    _need("min_life_days", sa.Integer),
    _need("jumps", sa.Integer),
    _need("placed_at", INSTANT),
    _need("received_at", INSTANT),
    _need("created_by", sa.BigInteger),
    _need("version", sa.Integer),
)  # fmt: skip

order_contacts = sa.Table(
    "order_contacts", metadata,
    sa.Column("order_id", sa.BigInteger, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("name", "email", "phone")),
    sa.Column("address", JSONB),
)  # fmt: skip

order_lines = sa.Table(
    "order_lines", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    _need("order_id", sa.BigInteger),
    _need("line_no", sa.Integer),
    _need("variant_id", sa.BigInteger),
    _need("kit", sa.Boolean),
    _need("quantity", QUANTITY),
    sa.Column("unit_price", MONEY),
    *(_need(name, QUANTITY) for name in ("allocated", "shipped", "cancelled", "refused")),
    sa.Column("backordered", QUANTITY),
    sa.Column("expected_on", sa.Date),
)  # fmt: skip
