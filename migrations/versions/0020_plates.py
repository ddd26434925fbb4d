"""License plates: what stands on a pallet or in a box, moved with one scan."""

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

HERE = Path(__file__).parent / "0020_plates"


def upgrade() -> None:
    op.execute((HERE / "plates.sql").read_text(encoding="utf-8"))
