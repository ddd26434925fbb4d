"""License plates: what stands on a pallet or in a box, moved with one scan."""

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0021_plates"


def upgrade() -> None:
    op.execute((HERE / "plates.sql").read_text(encoding="utf-8"))
