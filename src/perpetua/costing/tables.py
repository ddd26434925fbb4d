"""The tables of costing."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from perpetua.kit.columns import INSTANT, MONEY, QUANTITY, need
from perpetua.kit.database import metadata

__all__ = ["landed_charges", "landed_cost_lines"]

landed_charges = sa.Table(
    "landed_charges", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("kind", sa.Text),
    need("basis", sa.Text),
    need("amount", MONEY),
    need("currency", sa.Text),
    need("exchange_rate", sa.Numeric(18, 8)),
    need("company_amount", MONEY),
    sa.Column("supplier_id", sa.BigInteger),
    sa.Column("invoice_id", sa.BigInteger),
    sa.Column("reference", sa.Text),
    sa.Column("note", sa.Text),
    need("charged_on", sa.Date),
    need("chosen", JSONB),
    sa.Column("cancels_id", sa.BigInteger),
    need("created_by", sa.BigInteger),
    need("created_at", INSTANT),
)  # fmt: skip

landed_cost_lines = sa.Table(
    "landed_cost_lines", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    need("charge_id", sa.BigInteger),
    need("transaction_id", sa.BigInteger),
    need("variant_id", sa.BigInteger),
    need("quantity", QUANTITY),
    need("share", sa.Numeric(36, 12)),
    need("amount", MONEY),
)  # fmt: skip
