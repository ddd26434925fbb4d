"""How long what was ordered took to come."""

from pathlib import Path

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0022_lead_times"


def upgrade() -> None:
    for name in ("lead_times",):
        op.execute((HERE / f"{name}.sql").read_text(encoding="utf-8"))
