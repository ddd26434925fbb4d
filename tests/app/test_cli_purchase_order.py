"""`perpetua purchase-order`, in a process of its own: a person approves, with their password."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.purchasing.helpers import drafted, stock_up
from tests.worlds import make_world

from perpetua.access import service as access
from perpetua.access.types import SYSTEM, CreatePerson
from perpetua.kit.database import Database

PASSWORD = "three wet forklifts"


@pytest.fixture(scope="module")
async def world(db: Database) -> SimpleNamespace:
    made = await make_world(db)
    await stock_up(db, made)
    command = CreatePerson(email="buyer@shop.example", name="Buyer", role="purchasing_staff", password=PASSWORD)
    await access.create_person(db, SYSTEM, command)
    return made


async def test_a_person_approves(db: Database, world: SimpleNamespace, database_url: str, tmp_path: Path) -> None:
    draft = await drafted(db, world.actor(), ("PEAR", 4))

    def perpetua(*arguments: str, given: str = "") -> tuple[int, Any]:
        surroundings = {**os.environ, "PERPETUA_HOME": str(tmp_path), "DATABASE_URL": database_url}
        command = [sys.executable, "-m", "perpetua.app.cli", "--json", "purchase-order", *arguments]
        ran = subprocess.run(
            command, cwd=tmp_path, env=surroundings, input=given, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        return ran.returncode, json.loads(ran.stdout)

    code, page = perpetua("list", "--waits-for-approval")
    assert (code, [row["number"] for row in page["items"]]) == (0, [draft.number])
    asked = ("approve", draft.number, "--as", "buyer@shop.example", "--password-stdin")
    code, problem = perpetua(*asked, given="wrong\n")
    assert (code, problem["code"]) == (1, "sign_in_refused")
    code, order = perpetua(*asked, "--note", "fine", given=f"{PASSWORD}\n")
    assert (code, order["approved"], order["approvals"][0]["person"]) == (0, True, "Buyer")
    code, order = perpetua("show", draft.number)
    assert (code, order["lines"][0]["ordered"]) == (0, "4")
    code, problem = perpetua("show", "PO-x")
    assert (code, problem["code"]) == (1, "invalid_value")
