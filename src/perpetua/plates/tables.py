"""The plates' tables, as the migrations make them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit.columns import INSTANT, QUANTITY, need
from perpetua.kit.database import metadata

license_plates = sa.Table(
    "license_plates", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("code", sa.Text),
    sa.Column("sscc", sa.Text),
    need("location_id", sa.BigInteger),
    sa.Column("parent_id", sa.BigInteger),
    need("status", sa.Text),
    sa.Column("note", sa.Text),
    need("created_by", sa.BigInteger),
    need("created_at", INSTANT),
    need("updated_at", INSTANT),
    need("version", sa.Integer),
)  # fmt: skip

plate_contents = sa.Table(
    "plate_contents", metadata,
    *(sa.Column(name, sa.BigInteger, primary_key=True) for name in ("plate_id", "variant_id", "lot_id", "serial_id")),
    need("quantity", QUANTITY),
)  # fmt: skip

plate_events = sa.Table(
    "plate_events", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("plate_id", sa.BigInteger),
    need("at", INSTANT),
    need("actor_id", sa.BigInteger),
    need("action", sa.Text),
    need("facts", JSONB),
)  # fmt: skip

plate_settings = sa.Table(
    "plate_settings", metadata,
    sa.Column("one", sa.Boolean, primary_key=True),
    sa.Column("company_prefix", sa.Text),
    need("extension", sa.SmallInteger),
    need("version", sa.Integer),
)  # fmt: skip
