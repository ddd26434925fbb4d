"""`perpetua user` and `perpetua token`, as whoever has the machine uses them."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from perpetua.app import cli

PASSWORD = "three wet forklifts"


@pytest.fixture
def perpetua(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Run a command with `--json`; its exit code and what it answers."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PERPETUA_HOME", str(tmp_path))

    def run(*words: str, stdin: str = "") -> tuple[int, Any]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = cli.main([*words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_the_first_administrator_to_the_last_token(perpetua: Any) -> None:
    code, first = perpetua(
        "user", "add", "ann@example.com", "--role", "administrator", "--password-stdin", stdin=PASSWORD
    )
    assert (code, first["role"], first["scope"]) == (0, "administrator", None)
    assert PASSWORD not in str(first)
    code, refused = perpetua("user", "deactivate", "ann@example.com")
    assert (code, refused["code"]) == (1, "last_administrator")

    code, second = perpetua("user", "add", "bob@example.com", "--role", "warehouse_staff", "--name", "Bob")
    assert code == 0
    assert len(second["one_time_password"]) >= 20
    assert perpetua("user", "role", "BOB@example.com", "viewer")[1]["role"] == "viewer"
    assert perpetua("user", "scope", "bob@example.com")[1]["scope"] == []
    assert perpetua("user", "scope", "bob@example.com", "--everywhere")[1]["scope"] is None
    assert perpetua("user", "scope", "bob@example.com", "999999")[1]["code"] == "not_found"
    assert [p["email"] for p in perpetua("user", "list")[1]] == ["ann@example.com", "bob@example.com"]
    assert [p["email"] for p in perpetua("user", "list", "--role", "viewer")[1]] == ["bob@example.com"]
    assert perpetua("user", "show", "ann@example.com")[1]["id"] == first["id"]
    assert perpetua("user", "password", "bob@example.com", "--once")[1]["one_time_password"]
    weak = perpetua("user", "password", "bob@example.com", "--password-stdin", stdin="password1234\n")
    assert (weak[0], weak[1]["code"]) == (1, "weak_password")
    assert "password1234" not in str(weak)
    assert perpetua("user", "totp-reset", "bob@example.com")[1]["code"] == "second_factor_state"

    code, token = perpetua("token", "create", "bob@example.com", "scanner", "--permission", "stock.read", "--days", "7")
    assert code == 0
    assert token["secret"].startswith("ppt_")
    assert token["permissions"] == ["stock.read"]
    assert (
        perpetua("token", "create", "bob@example.com", "x", "--permission", "costs.read")[1]["code"]
        == "beyond_own_rights"
    )
    assert perpetua("token", "create", "bob@example.com", "x", "--permission", "no.such")[0] == 1
    listed = perpetua("token", "list", "bob@example.com")[1]
    assert [(t["name"], t["revoked_at"]) for t in listed] == [("scanner", None)]
    assert token["secret"] not in str(listed)
    assert perpetua("token", "revoke", str(token["id"]))[1]["revoked_at"] is not None
    assert perpetua("user", "deactivate", "bob@example.com")[1]["active"] is False
    assert perpetua("user", "activate", "bob@example.com")[1]["active"] is True
    assert perpetua("user", "show", "nobody@example.com")[1]["code"] == "not_found"
    assert perpetua("user", "role", "bob@example.com", "emperor")[0] == 2
