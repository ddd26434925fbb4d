"""Seals over the ledger, and the record of integrity checks."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0011_ledger_seals"


def upgrade() -> None:
    op.execute((HERE / "seals.sql").read_text(encoding="utf-8"))
