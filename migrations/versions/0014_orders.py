"""Customers, kits, sales orders; allocations, reservations, the rules of allocation and what they decided."""

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0014_orders"


def upgrade() -> None:
    for name in ("orders", "allocation"):
        op.execute((HERE / f"{name}.sql").read_text(encoding="utf-8"))
