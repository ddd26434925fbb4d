"""`perpetua allocation` and `perpetua reservation`, in a process of their own."""

import json
from pathlib import Path

from tests.app.test_cli_order import perpetua


def test_the_rules_are_shown_tried_and_set(database_url: str, tmp_path: Path) -> None:
    code, first = perpetua(tmp_path, database_url, "allocation", "show")
    assert (code, first["version"], first["rules"]["queue"]) == (0, 1, "priority")
    first["rules"]["tiers"] = [{"code": "gold", "rank": 1, "hold_percent": "10"}]
    (tmp_path / "rules.json").write_text(json.dumps(first))
    code, told = perpetua(tmp_path, database_url, "allocation", "set", "rules.json", "--dry-run")
    assert code == 0
    assert {"field": "tiers.gold.hold_percent", "before": None, "after": "10"} in told
    assert perpetua(tmp_path, database_url, "allocation", "show")[1]["version"] == 1
    code, made = perpetua(tmp_path, database_url, "allocation", "set", "rules.json", "--note", "two classes")
    assert (code, made["version"], made["rules"]["tiers"][0]["code"]) == (0, 2, "gold")
    code, stale = perpetua(tmp_path, database_url, "allocation", "set", "rules.json")
    assert (code, stale["code"], stale["current"]) == (1, "stale_version", 2)
    code, page = perpetua(tmp_path, database_url, "allocation", "history", "--limit", "1")
    assert (code, [(row["version"], row["note"]) for row in page["items"]]) == (0, [(2, "two classes")])
    (tmp_path / "bare.json").write_text('{"queue": "fifo"}')
    assert perpetua(tmp_path, database_url, "allocation", "set", "bare.json")[1]["field"] == "--version"
    code, bare = perpetua(tmp_path, database_url, "allocation", "set", "bare.json", "--version", "2")
    assert (code, bare["rules"]["queue"], bare["rules"]["tiers"]) == (0, "fifo", [])
    for wrong, field in (('{"queue": "luck"}', "queue"), ("{", None), ('{"sites": ["NO"]}', "rules.sites[0]")):
        (tmp_path / "wrong.json").write_text(wrong)
        code, problem = perpetua(tmp_path, database_url, "allocation", "set", "wrong.json", "--version", "3")
        assert (code, problem.get("field")) == (1, field), problem
    assert perpetua(tmp_path, database_url, "allocation", "set", "none.json", "--version", "3")[1]["field"] == "file"


def test_stock_is_held_listed_and_given_back(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("SKU,Title\nCUP,Cup\nA:B,Odd\n")
    (tmp_path / "stock.csv").write_text("Store,Brand,Description,onHand\nLEEDS,CUP,Cup,5\nLEEDS,A:B,Odd,1\n")
    for kind, file in (("products", "items.csv"), ("stock", "stock.csv")):
        code, done = perpetua(tmp_path, database_url, "import", kind, file)
        assert (code, done["rows_bad"]) == (0, 0), done
    code, held = perpetua(tmp_path, database_url, "reservation", "take", "Ann", "CUP:3", "A:B:1", "--seconds", "600")
    assert (code, [line["given"] for line in held["lines"]]) == (0, ["3", "1"])
    code, page = perpetua(tmp_path, database_url, "reservation", "list", "--holder", "Ann", "--sku", "cup")
    assert (code, [(row["kind"], row["quantity"]) for row in page["items"]]) == (0, [("hold", "3")])
    code, short = perpetua(tmp_path, database_url, "reservation", "take", "Bob", "CUP:3")
    assert (code, short["available"]) == (1, "2")
    only = str(page["items"][0]["id"])
    code, given = perpetua(tmp_path, database_url, "reservation", "end", "Ann", "--id", only, "--reason", "sold else")
    assert (code, [row["state"] for row in given["reservations"]]) == (0, ["released"])
    code, page = perpetua(tmp_path, database_url, "reservation", "list", "--holder", "Ann", "--ended")
    assert (code, [row["state"] for row in page["items"]]) == (0, ["open", "released"])
    for wrong in (["CUP:x"], [":2"], []):
        code, problem = perpetua(tmp_path, database_url, "reservation", "take", "Ann", *wrong)
        assert (code, problem["field"]) == (1, "lines"), problem
