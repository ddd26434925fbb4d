"""`perpetua lot` and `perpetua recall`, in a process of their own."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tests.app.test_cli_order import perpetua
from tests.worlds import make_world

from perpetua.access.types import SYSTEM
from perpetua.kit.database import Database
from perpetua.ledger import service as ledger
from perpetua.ledger.types import Receive, ReceiveLine


async def test_a_lot_is_held_released_and_recalled(db: Database, database_url: str, tmp_path: Path) -> None:
    await make_world(db)
    day = str(datetime.now(UTC).date() + timedelta(days=9))
    lines = [ReceiveLine(sku="MILK", quantity=Decimal(5), lot=lot, expires_on=day) for lot in ("L1", "L2")]
    await ledger.receive(db, SYSTEM, Receive(lines=lines, location="LON-A-1"))

    def run(*arguments: str) -> tuple[int, object]:
        return perpetua(tmp_path, database_url, *arguments)

    code, page = perpetua(tmp_path, database_url, "lot", "list", "--sku", "milk", "--with-stock", "--sort", "number")
    assert (code, [lot["number"] for lot in page["items"]]) == (0, ["L1", "L2"])
    code, lot = perpetua(tmp_path, database_url, "lot", "hold", "MILK", "l1", "smells odd", "--quarantine")
    assert (code, lot["status"]) == (0, "quarantine")
    code, lot = perpetua(tmp_path, database_url, "lot", "release", "MILK", "L1", "tested")
    assert (code, lot["status"], lot["on_hand"]) == (0, "released", "5")
    code, soon = perpetua(tmp_path, database_url, "lot", "expiring", "--within-days", "10")
    assert (code, len(soon["items"])) == (0, 2)
    assert run("lot", "show", "MILK", "L9")[0] == 1
    code, recall = perpetua(tmp_path, database_url, "recall", "open", "glass", "--sku", "MILK")
    assert (code, recall["number"], recall["lot_count"]) == (0, "RC-000001", 2)
    number, first = recall["number"], recall["lots"][0]["lot_id"]
    code, page = perpetua(tmp_path, database_url, "recall", "holders", number)
    assert (code, [row["kind"] for row in page["items"]]) == (0, ["here", "here"])
    code, recall = perpetua(tmp_path, database_url, "recall", "release", number, "tested", str(first))
    assert (code, [lot["status"] for lot in recall["lots"]]) == (0, ["released", "recalled"])
    code, problem = perpetua(tmp_path, database_url, "recall", "close", number)
    assert (code, problem["code"]) == (1, "recall_not_done")
    code, recall = perpetua(tmp_path, database_url, "recall", "close", number, "--leave-rest")
    assert (code, recall["closed_at"] is not None) == (0, True)
    assert len(perpetua(tmp_path, database_url, "recall", "list", "--open-only")[1]["items"]) == 0
    assert perpetua(tmp_path, database_url, "recall", "show", "rc-000001")[1]["number"] == number
    assert run("recall", "show", "RC-9")[0] == 1
