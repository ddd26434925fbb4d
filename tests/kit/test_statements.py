"""Statements by name from files, and what they share."""

from pathlib import Path

import pytest

from perpetua.kit.statements import Queries


def test_parts_are_put_in_wherever_they_are_said(tmp_path: Path) -> None:
    (tmp_path / "one.sql").write_text(
        "-- part: mine\n  AND a = %(a)s\n-- name: first\nSELECT 1\n-- with: mine\nLIMIT 1;\n"
    )
    (tmp_path / "two.sql").write_text("-- About both.\n\n-- name: second\nSELECT 2\n  -- with: mine\n;\n")
    beside = str(tmp_path / "store.py")
    assert dict(Queries(beside, "one.sql")) == {"first": "SELECT 1\nAND a = %(a)s\nLIMIT 1"}
    assert dict(Queries(beside, "two.sql")) == {"second": "SELECT 2\nAND a = %(a)s"}
    (tmp_path / "three.sql").write_text("-- name: third\nSELECT 3\n-- with: nobodys\n")
    with pytest.raises(KeyError):
        Queries(beside, "three.sql")
