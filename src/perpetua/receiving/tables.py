"""The tables of receiving."""

import sqlalchemy as sa

from perpetua.kit.columns import INSTANT, QUANTITY, need
from perpetua.kit.database import metadata

__all__ = [
    "receipt_discrepancies", "receipt_expected", "receipt_lines", "receipt_orders", "receipt_photos", "receipts",
]  # fmt: skip


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, primary_key=True)


receipts = sa.Table(
    "receipts", metadata,
    _id(),
    need("site_id", sa.BigInteger),
    need("location_id", sa.BigInteger),
    sa.Column("supplier_id", sa.BigInteger),
    need("status", sa.Text),
    *(sa.Column(name, sa.Text) for name in ("reference", "carrier", "note")),
    need("created_by", sa.BigInteger),
    need("created_at", INSTANT),
    sa.Column("closed_by", sa.BigInteger),
    sa.Column("closed_at", INSTANT),
    need("version", sa.Integer),
)  # fmt: skip

receipt_orders = sa.Table(
    "receipt_orders", metadata,
    *(sa.Column(name, sa.BigInteger, primary_key=True) for name in ("receipt_id", "po_id")),
)  # fmt: skip

receipt_expected = sa.Table(
    "receipt_expected", metadata,
    sa.Column("receipt_id", sa.BigInteger, primary_key=True),
    sa.Column("line_no", sa.Integer, primary_key=True),
    sa.Column("po_line_id", sa.BigInteger),
    need("variant_id", sa.BigInteger),
    need("quantity", QUANTITY),
    *(sa.Column(name, sa.Text) for name in ("plate", "lot")),
    sa.Column("expires_on", sa.Date),
)  # fmt: skip

receipt_lines = sa.Table(
    "receipt_lines", metadata,
    _id(),
    need("receipt_id", sa.BigInteger),
    need("line_no", sa.Integer),
    sa.Column("po_line_id", sa.BigInteger),
    *(need(name, sa.BigInteger) for name in ("variant_id", "lot_id", "location_id")),
    need("condition", sa.Text),
    need("quantity", QUANTITY),
    need("posting_id", sa.BigInteger),
    sa.Column("note", sa.Text),
    need("received_by", sa.BigInteger),
    need("received_at", INSTANT),
    sa.Column("undone_by", sa.BigInteger),
    sa.Column("undone_at", INSTANT),
    sa.Column("undone_posting_id", sa.BigInteger),
    sa.Column("undo_reason", sa.Text),
)  # fmt: skip

receipt_discrepancies = sa.Table(
    "receipt_discrepancies", metadata,
    _id(),
    need("receipt_id", sa.BigInteger),
    *(sa.Column(name, sa.BigInteger) for name in ("line_id", "po_line_id", "variant_id")),
    need("kind", sa.Text),
    need("quantity", QUANTITY),
    sa.Column("expected", QUANTITY),
    sa.Column("instead_of", sa.BigInteger),
    *(sa.Column(name, sa.Text) for name in ("code", "note")),
    need("status", sa.Text),
    *(sa.Column(name, sa.Text) for name in ("resolution", "answer")),
    need("noted_by", sa.BigInteger),
    need("noted_at", INSTANT),
    sa.Column("settled_by", sa.BigInteger),
    sa.Column("settled_at", INSTANT),
    need("version", sa.Integer),
)  # fmt: skip

receipt_photos = sa.Table(
    "receipt_photos", metadata,
    _id(),
    need("discrepancy_id", sa.BigInteger),
    *(need(name, sa.Text) for name in ("sha256", "media_type")),
    need("size_bytes", sa.Integer),
    need("added_by", sa.BigInteger),
    need("added_at", INSTANT),
)  # fmt: skip
