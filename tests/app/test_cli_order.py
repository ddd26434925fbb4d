"""`perpetua order`, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def perpetua(home: Path, database_url: str, *arguments: str) -> tuple[int, Any]:
    surroundings = {**os.environ, "PERPETUA_HOME": str(home), "DATABASE_URL": database_url}
    command = [sys.executable, "-m", "perpetua.app.cli", "--json", *arguments]
    ran = subprocess.run(command, cwd=home, env=surroundings, capture_output=True, text=True, timeout=120, check=False)
    return ran.returncode, json.loads(ran.stdout)


def test_an_order_is_listed_shown_cancelled_and_shipped(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("SKU,Title\nPEN,Pen\n")
    (tmp_path / "stock.csv").write_text("Store,Brand,Description,onHand\nLEEDS,PEN,Pen,5\n")
    (tmp_path / "orders.csv").write_text("channel,external_id,sku,quantity\nweb,1,PEN,4\nweb,2,PEN,3\n")
    for kind, file in (("products", "items.csv"), ("stock", "stock.csv"), ("orders", "orders.csv")):
        code, done = perpetua(tmp_path, database_url, "import", kind, file)
        assert (code, done["rows_bad"]) == (0, 0), done
    code, page = perpetua(tmp_path, database_url, "order", "list", "--waiting")
    assert (code, [row["external_id"] for row in page["items"]]) == (0, ["2"])
    code, one = perpetua(tmp_path, database_url, "order", "cancel", "web/1", "no more", "--line", "1:2")
    assert (code, one["lines"][0]["cancelled"]) == (0, "2")
    code, two = perpetua(tmp_path, database_url, "order", "show", page["items"][0]["number"])
    assert (code, two["status"]) == (0, "ALLOCATED")
    code, two = perpetua(tmp_path, database_url, "order", "ship", str(two["id"]), "--note", "by hand")
    assert (code, two["status"]) == (0, "SHIPPED")
    for wrong in ("web/9", "999", "SO-x"):
        code, problem = perpetua(tmp_path, database_url, "order", "show", wrong)
        assert (code, problem["code"]) == (1, "invalid_value" if wrong == "SO-x" else "not_found")
