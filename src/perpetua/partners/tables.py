"""The table of suppliers."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from perpetua.kit.columns import INSTANT, need
from perpetua.kit.database import metadata

__all__ = ["suppliers"]

suppliers = sa.Table(
    "suppliers", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("code", sa.Text),
    need("name", sa.Text),
    sa.Column("order_email", sa.Text),
    need("language", sa.Text),
    need("currency", sa.Text),
    need("net_days", sa.Integer),
    need("discount_percent", sa.Numeric(5, 2)),
    need("discount_days", sa.Integer),
    sa.Column("lead_time_days", sa.Integer),
    sa.Column("over_percent", sa.Numeric(5, 2)),
    need("working_days", ARRAY(sa.SmallInteger)),
    need("holidays", ARRAY(sa.Date)),
    sa.Column("cut_off", sa.Time),
    need("timezone", sa.Text),
    need("addresses", JSONB),
    need("contacts", JSONB),
    need("active", sa.Boolean),
    need("version", sa.Integer),
    need("created_at", INSTANT),
    need("updated_at", INSTANT),
)  # fmt: skip
