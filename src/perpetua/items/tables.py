"""The tables of the catalogue, as migrations 0004 and 0009 (search) make them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from perpetua.kit.database import metadata

__all__ = [
    "barcodes",
    "categories",
    "kit_components",
    "owners",
    "product_images",
    "product_variants",
    "products",
    "search_documents",
    "search_words",
    "units",
]


def _identity() -> "sa.Column[int]":
    return sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True)


def _version() -> "sa.Column[int]":
    return sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1"))


def _instant(name: str) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def _attributes() -> "sa.Column[object]":
    return sa.Column("attributes", JSONB, nullable=False, server_default=sa.text("'{}'"))


def _flag() -> "sa.Column[bool]":
    return sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true())


units = sa.Table(
    "units",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    _text("name"),
    sa.Column("decimals", sa.SmallInteger, nullable=False),
    sa.Column("base_code", sa.Text, sa.ForeignKey("units.code")),
    sa.Column("factor_num", sa.Numeric, nullable=False, server_default=sa.text("1")),
    sa.Column("factor_den", sa.Numeric, nullable=False, server_default=sa.text("1")),
    _version(),
)

owners = sa.Table(
    "owners",
    metadata,
    _identity(),
    _text("code"),
    _text("name"),
    _flag(),
    _version(),
    _instant("created_at"),
    _instant("updated_at"),
)

categories = sa.Table(
    "categories",
    metadata,
    _identity(),
    sa.Column("parent_id", sa.BigInteger, sa.ForeignKey("categories.id")),
    sa.Column("path", ARRAY(sa.BigInteger), nullable=False),
    _text("code"),
    _text("name"),
    _version(),
    _instant("created_at"),
    _instant("updated_at"),
)

products = sa.Table(
    "products",
    metadata,
    _identity(),
    _text("name"),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("category_id", sa.BigInteger, sa.ForeignKey("categories.id")),
    sa.Column("owner_id", sa.BigInteger, sa.ForeignKey("owners.id"), nullable=False, server_default=sa.text("1")),
    _attributes(),
    _flag(),
    _text("first_sku"),
    _version(),
    _instant("created_at"),
    _instant("updated_at"),
)

product_variants = sa.Table(
    "product_variants",
    metadata,
    _identity(),
    sa.Column("product_id", sa.BigInteger, sa.ForeignKey("products.id"), nullable=False),
    _text("sku"),
    _text("name"),
    _attributes(),
    sa.Column("unit", sa.Text, sa.ForeignKey("units.code"), nullable=False, server_default="each"),
    sa.Column("tracking", sa.Text, nullable=False, server_default="none"),
    sa.Column("cost_price", sa.Numeric(18, 6)),
    sa.Column("selling_price", sa.Numeric(18, 6)),
    sa.Column("weight_kg", sa.Numeric(18, 6)),
    sa.Column("length_mm", sa.Numeric(12, 3)),
    sa.Column("width_mm", sa.Numeric(12, 3)),
    sa.Column("height_mm", sa.Numeric(12, 3)),
    _flag(),
    _version(),
    _instant("created_at"),
    _instant("updated_at"),
)

barcodes = sa.Table(
    "barcodes",
    metadata,
    _identity(),
    sa.Column("variant_id", sa.BigInteger, sa.ForeignKey("product_variants.id", ondelete="CASCADE"), nullable=False),
    _text("code"),
    _text("kind"),
    sa.Column("level", sa.Text, nullable=False, server_default="each"),
    sa.Column("units", sa.Numeric(18, 4), nullable=False, server_default=sa.text("1")),
    _instant("created_at"),
)

product_images = sa.Table(
    "product_images",
    metadata,
    _identity(),
    sa.Column("product_id", sa.BigInteger, sa.ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    _text("sha256"),
    _text("media_type"),
    sa.Column("size_bytes", sa.Integer, nullable=False),
    sa.Column("position", sa.Integer, nullable=False, server_default=sa.text("0")),
    _instant("created_at"),
)

kit_components = sa.Table(
    "kit_components",
    metadata,
    sa.Column("kit_id", sa.BigInteger, sa.ForeignKey("product_variants.id"), primary_key=True),
    sa.Column("component_id", sa.BigInteger, sa.ForeignKey("product_variants.id"), primary_key=True),
    sa.Column("quantity", sa.Numeric(18, 4), nullable=False),
)

# Kept by triggers; the application only reads them. No foreign keys, as those would cost a look-up for each row.
search_documents = sa.Table(
    "search_documents",
    metadata,
    sa.Column("variant_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("product_id", sa.BigInteger, nullable=False),
    sa.Column("owner_id", sa.BigInteger, nullable=False),
    sa.Column("category_id", sa.BigInteger),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("name_words", ARRAY(sa.Text), nullable=False),
    sa.Column("document", TSVECTOR, nullable=False),
)

search_words = sa.Table(
    "search_words",
    metadata,
    sa.Column("word", sa.Text, nullable=False),
    sa.Column("documents", sa.Integer, nullable=False),
    sa.Column("deletes", ARRAY(sa.Integer), nullable=False),
)
