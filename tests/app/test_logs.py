"""Logs hold no secret and no personal data, and each line its context."""

import json
import logging

import pytest
import structlog

from perpetua.app import logs


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(logs, "_as_json", False)
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://joe:hush@db/stock is down",
        "host=db password=hush",
        "host=db password='hush'",
        "Authorization: Bearer hush",
        "duplicate key\nDETAIL:  Key (name)=(hush) already exists.",
        "no such person hush@example.org",
    ],
)
def test_no_secret_stands_in_a_text(text: str) -> None:
    assert "hush" not in json.dumps(logs.hidden({"event": text, "more": [text, {"deep": text}]}))


def test_no_secret_stands_under_its_name() -> None:
    told = logs.hidden({"password": "hush", "api_key": "hush", "session_token": "hush", "otp": 1, "sku": "A-1"})
    assert told == {"password": "***", "api_key": "***", "session_token": "***", "otp": "***", "sku": "A-1"}


def test_a_line_is_json_with_its_context_and_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", as_json=True)
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("perpetua.test").info("posted", lines=3)
        logging.getLogger("elsewhere").warning("slow: %s", "postgresql://joe:hush@db/stock")
        try:
            raise ValueError("password=hush")
        except ValueError:
            structlog.get_logger("perpetua.test").exception("failed")
        structlog.get_logger("perpetua.test").debug("unseen")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["posted", "slow: postgresql://joe:***@db/stock", "failed"]
    assert {line["request_id"] for line in lines} == {"r-1"}
    assert (lines[0]["lines"], lines[0]["logger"], lines[0]["level"]) == (3, "perpetua.test", "info")
    assert "ValueError" in lines[2]["exception"]
    assert "hush" not in json.dumps(lines)


def test_a_person_reads_an_error_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", as_json=False)
    try:
        raise ValueError("password=hush")
    except ValueError:
        structlog.get_logger("perpetua.test").exception("failed", token="hush")
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "hush" not in told


def test_the_line_of_a_request_is_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", as_json=True)
    logs.request("GET", "/health", 200, 0.00123, 7, "r-1")
    structlog.get_logger("perpetua.web").info("request")
    own, other = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert {key: own[key] for key in other if key != "at"} == {key: other[key] for key in other if key != "at"}
    assert (own["method"], own["route"], own["status"], own["ms"]) == ("GET", "/health", 200, 1.2)
    assert (own["actor"], own["request_id"], own["at"][-1]) == (7, "r-1", other["at"][-1])
    logs.configure("warning", as_json=True)
    logs.request("GET", "/health", 200, 0.00123, 7, "r-1")
    assert not capsys.readouterr().err
