"""Parameters, versions and answers."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpetua.kit.clock import bounded, parse_instant
from perpetua.kit.errors import InvalidValue, VersionNeeded
from perpetua.kit.http import etag, moment_of, reply, version_of
from perpetua.kit.idempotency import Answered


@given(st.integers(min_value=0, max_value=10**18 - 1))
def test_a_version_survives_its_etag(version: int) -> None:
    assert version_of(etag(version)) == version


@pytest.mark.parametrize("sent", ["*", "7", '"x"', '""', '"7", "8"', "", '"' + "9" * 30 + '"', '"٧"'])
def test_a_foreign_etag_is_refused(sent: str) -> None:
    with pytest.raises(InvalidValue):
        version_of(sent)


def test_no_etag_is_refused_with_what_to_send() -> None:
    with pytest.raises(VersionNeeded) as refused:
        version_of(None)
    assert refused.value.status == 428
    assert "If-Match" in refused.value.detail


def test_only_a_repeated_answer_is_marked() -> None:
    assert "Idempotent-Replayed" not in reply(Answered(1)).headers
    again = reply(Answered(1, replayed=True), version=3)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["ETag"] == '"3"'


def test_instants_are_read_in_utc() -> None:
    assert parse_instant("2026-03-01T14:30:00+02:00", "as_of") == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert parse_instant("2026-03-01T14:30", "as_of") == datetime(2026, 3, 1, 14, 30, tzinfo=UTC)
    assert parse_instant("2026-03-01t14:30:00.5z", "as_of") == datetime(2026, 3, 1, 14, 30, 0, 500000, tzinfo=UTC)
    assert parse_instant("2026-03-01", "as_of") == datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert moment_of("2026-03-01", None).known_at is None


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "2026-02-30", "1969-12-31", "2200-01-01", "0001-01-01T00:00:00+14:00",
             "9999-12-31T23:59:59-14:00", "2026-03-01T25:00:00Z", "2026-03-01T10:00:00+99:00", "20260301",
             "١٢٣٤-01-01"],
)  # fmt: skip
def test_what_is_no_instant_of_trade_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_instant(text, "as_of")
    assert refused.value.facts["field"] == "as_of"


@given(st.text(max_size=40))
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidValue):
        assert parse_instant(text, "as_of").tzinfo is UTC


def test_an_offset_out_of_the_calendar_is_refused() -> None:
    with pytest.raises(InvalidValue):
        bounded(datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), "effective_at")
