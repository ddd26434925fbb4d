"""The table of locations."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from perpetua.kit.database import metadata

__all__ = ["locations"]

locations = sa.Table(
    "locations",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("parent_id", sa.BigInteger, sa.ForeignKey("locations.id")),
    sa.Column("path", ARRAY(sa.BigInteger), nullable=False, comment="ids from the site down to the location itself"),
    sa.Column(
        "site_id", sa.BigInteger, sa.Computed("path[1]", persisted=True), nullable=False, comment="the root of its path"
    ),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("address", JSONB),
    sa.Column("capacity_units", sa.Numeric(18, 4), comment="most base units it should hold; null is no limit"),
    sa.Column("weight_limit_kg", sa.Numeric(18, 4)),
    sa.Column("temperature_zone", sa.Text),
    sa.Column("temperature_min_c", sa.Numeric(6, 2)),
    sa.Column("temperature_max_c", sa.Numeric(6, 2)),
    sa.Column("pick_sequence", sa.Integer, comment="order of walking; null is not on the walk"),
    sa.Column("sellable", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("negative_allowed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
