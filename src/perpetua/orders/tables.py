"""The tables of sales orders."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit.columns import INSTANT, MONEY, QUANTITY, need
from perpetua.kit.database import metadata

__all__ = ["customers", "order_contacts", "order_lines", "orders"]


customers = sa.Table(
    "customers", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("code", sa.Text),
    need("name", sa.Text),
    sa.Column("tier", sa.Text),
    sa.Column("min_life_days", sa.Integer),
    need("active", sa.Boolean),
    need("version", sa.Integer),
    need("created_at", INSTANT),
    need("updated_at", INSTANT),
)  # fmt: skip

orders = sa.Table(
    "orders", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("channel", sa.Text),
    need("external_id", sa.Text),
    need("body_hash", sa.LargeBinary),
    need("status", sa.Text),
    need("fulfilment", sa.Text),
    sa.Column("customer_id", sa.BigInteger),
    sa.Column("tier", sa.Text),
    sa.Column("site_id", sa.BigInteger),
    sa.Column("country", sa.Text),
    sa.Column("region", sa.Text),
    sa.Column("postcode", sa.Text),
    need("min_life_days", sa.Integer),
    need("jumps", sa.Integer),
    need("placed_at", INSTANT),
    need("received_at", INSTANT),
    need("created_by", sa.BigInteger),
    need("version", sa.Integer),
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
    need("order_id", sa.BigInteger),
    need("line_no", sa.Integer),
    need("variant_id", sa.BigInteger),
    need("kit", sa.Boolean),
    need("quantity", QUANTITY),
    sa.Column("unit_price", MONEY),
    *(need(name, QUANTITY) for name in ("allocated", "shipped", "cancelled", "refused", "returned")),
    sa.Column("backordered", QUANTITY),
    sa.Column("expected_on", sa.Date),
)  # fmt: skip
