"""What every command keeps: one JSON document, exit codes, masked secrets."""

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from perpetua.app import cli
from perpetua.app.cli import common
from perpetua.app.settings import Settings, masked
from perpetua.kit.errors import InvalidValue, Missing


class Row(msgspec.Struct, frozen=True, kw_only=True):
    sku: str
    on_hand: Decimal


ROWS = [Row(sku="A-1", on_hand=Decimal("12.5")), Row(sku="B [x]", on_hand=Decimal(3))]


def test_rows_are_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    common.take_json_flag([])
    common.show(ROWS, title="Stock")
    out = capsys.readouterr().out
    assert "on hand" in out
    assert "12.5" in out


def test_rows_are_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert common.take_json_flag(["stock", "--json", "A-1"]) == ["stock", "A-1"]
    common.show(ROWS)
    assert json.loads(capsys.readouterr().out)[0] == {"sku": "A-1", "on_hand": "12.5"}


def test_a_json_flag_after_two_dashes_is_a_value() -> None:
    assert common.take_json_flag(["stock", "--", "--json"]) == ["stock", "--", "--json"]
    assert not common.as_json()


def test_a_refusal_is_printed_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    common.take_json_flag(["--json"])
    common.refused(Missing("item", "A-1", near={"b"}))
    told = json.loads(capsys.readouterr().out)
    assert told["type"] == "/problems/not_found"
    assert (told["what"], told["key"], told["near"]) == ("item", "A-1", ["b"])
    common.take_json_flag([])
    common.refused(Missing("item", "[red]A-1"))
    assert "There is no item [red]A-1." in capsys.readouterr().err


def test_a_wrong_call_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["nosuch"]) == 2
    assert cli.main(["nosuch", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "usage"


def test_help_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    assert "json" in capsys.readouterr().out


def test_settings_name_the_variable_that_is_wrong(tmp_path: Path) -> None:
    for name, value in {"PERPETUA_BIND": "x:99999", "PERPETUA_WORKERS": "0", "PERPETUA_LOG_LEVEL": "loud"}.items():
        with pytest.raises(InvalidValue) as refusal:
            Settings.load({"PERPETUA_HOME": str(tmp_path), name: value})
        assert refusal.value.field == name


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    settings = Settings.load({
        "PERPETUA_HOME": str(tmp_path),
        "DATABASE_URL": "postgresql+psycopg://joe:hush@db.example/stock",
        "PERPETUA_SECRET": "s" * 40,
    })  # fmt: skip
    assert settings.database_url == "postgresql://joe:hush@db.example/stock"
    assert "hush" not in repr(settings)
    assert "sss" not in repr(settings)
    assert "hush" not in masked("postgresql://joe:hush@db.example/stock")
    with pytest.raises(InvalidValue) as refusal:
        Settings.load({"DATABASE_URL": "postgresql://joe:hush@db:port:port/x y"})
    assert "hush" not in str(refusal.value)


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings.load({"PERPETUA_HOME": str(tmp_path / "home")})
    assert settings.secret == Settings.load({"PERPETUA_HOME": str(tmp_path / "home")}).secret
    assert len(settings.secret) >= 32
    assert (tmp_path / "home" / "secret").stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / "home").iterdir()) == [tmp_path / "home" / "secret"]


def test_addresses_are_read(tmp_path: Path) -> None:
    def bound(text: str) -> str:
        return Settings.load({"PERPETUA_HOME": str(tmp_path), "PERPETUA_BIND": text}).address

    assert bound("") == "http://127.0.0.1:8420"
    assert bound("9000") == "http://127.0.0.1:9000"
    assert bound("[::1]:80") == "http://[::1]:80"
    assert bound("0.0.0.0:81") == "http://localhost:81"
