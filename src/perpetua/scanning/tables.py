"""Tables of scanning; they equal what migration 0010 makes."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit.database import metadata

__all__ = ["scan_log", "scan_results"]


def _recorded_at() -> "sa.Column[datetime]":
    return sa.Column(
        "recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.statement_timestamp()
    )


scan_log = sa.Table(
    "scan_log",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _recorded_at(),
    sa.Column("scanned_at", sa.DateTime(timezone=True), comment="by the device's clock"),
    sa.Column("actor_id", sa.BigInteger, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("device", sa.Text),
    sa.Column("symbology", sa.Text),
    sa.Column("payload", sa.LargeBinary, nullable=False, comment="what the scanner sent, byte by byte"),
    sa.Column("payload_text", sa.Text, comment="the same as text; null where it is none"),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("location", sa.Text, comment="where the device said it was"),
    sa.Column("asked", JSONB, nullable=False),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("body_hash", sa.LargeBinary, nullable=False),
)

scan_results = sa.Table(
    "scan_results",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("scan_id", sa.BigInteger, sa.ForeignKey("scan_log.id"), nullable=False),
    _recorded_at(),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("variant_id", sa.BigInteger),
    sa.Column("location_id", sa.BigInteger),
    sa.Column("lot", sa.Text),
    sa.Column("serial", sa.Text),
    sa.Column("quantity", sa.Numeric(18, 4), comment="in base units"),
    sa.Column("posting_id", sa.BigInteger, sa.ForeignKey("postings.id")),
    sa.Column("refusal_code", sa.Text),
    sa.Column("refusal", JSONB),
    sa.Column("answer", JSONB, comment="what the device was told of the posting, to be told again under the same key"),
)
