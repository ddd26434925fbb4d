"""Tables of labels; they equal what their migration makes."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit.database import metadata

__all__ = ["label_templates"]

label_templates = sa.Table(
    "label_templates",
    metadata,
    sa.Column("code", sa.Text, primary_key=True, comment="in small letters"),
    sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")),
    sa.Column("name", sa.Text, comment="null with kind, size and body: as the program ships it"),
    sa.Column("kind", sa.Text),
    sa.Column("size", JSONB),
    sa.Column("body", JSONB, comment="its elements"),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("updated_by", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
)
