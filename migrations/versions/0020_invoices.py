"""Suppliers' invoices, held against what was ordered and what came."""

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0020_invoices"


def upgrade() -> None:
    for name in ("invoices", "matching"):
        op.execute((HERE / f"{name}.sql").read_text(encoding="utf-8"))
