"""Suppliers, what they sell us at which prices, and what was ordered of them."""

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0016_buying"


def upgrade() -> None:
    for name in ("partners", "purchasing", "orders"):
        op.execute((HERE / f"{name}.sql").read_text(encoding="utf-8"))
