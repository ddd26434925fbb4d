"""Every operation, called as its own description allows, and as it does not: no bug, no undocumented answer."""

import time
import traceback
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import schemathesis
import structlog
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.engine import events

from perpetua.access import service
from perpetua.access.rules import effective
from perpetua.access.types import SYSTEM, Actor, CreatePerson, CreateToken
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
CONFIG: dict[str, Any] = {
    "seed": 20261121,
    "workers": 1,
    "generation": {
        "max-examples": 5,
        "deterministic": True,
        "database": "none",
        "no-shrink": True,
        "with-security-parameters": False,
    },
    "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
    "phases": {"examples": {"enabled": False}, "stateful": {"enabled": False}},
}


@pytest.fixture(scope="module")
async def token(db: Database) -> str:
    """An administrator's API token; not among the first few, which the calls will hit upon and revoke."""
    command = CreatePerson(email="fuzz@example.com", name="Fuzz", role="administrator", password="three wet forklifts")
    person = (await service.create_person(db, SYSTEM, command)).answer
    actor = Actor(person_id=person.id, name=person.name, role=person.role, permissions=effective(person.role))
    until = datetime.now(UTC) + timedelta(days=1)
    made = [await service.create_token(db, actor, CreateToken(name=f"fuzz {n}", expires_at=until)) for n in range(20)]
    return made[-1].secret


@pytest.fixture(scope="module")
def api(settings: Settings, database_url: str, token: str) -> schemathesis.BaseSchema:
    own = create_app(msgspec.structs.replace(settings, database_url=database_url))
    config = SchemathesisConfig.from_dict({**CONFIG, "headers": {"Authorization": f"Bearer {token}"}})
    return schemathesis.openapi.from_asgi("/api/openapi.json", own, config=config)


@pytest.mark.slow
def test_no_bug_and_no_undocumented_answer(api: schemathesis.BaseSchema) -> None:
    begun, faults = time.monotonic(), list[str]()
    called: set[str] = set()
    statuses: Counter[int] = Counter()
    with structlog.testing.capture_logs() as lines:
        for event in engine.from_schema(api).execute():
            match event:
                case events.ScenarioFinished():
                    called.update(node.value.operation.label for node in event.recorder.cases.values())
                    faults.extend(_faults(event.recorder))
                    statuses.update(
                        each.response.status_code for each in event.recorder.interactions.values() if each.response
                    )
                case events.NonFatalError() | events.FatalError():
                    faults.append(str(getattr(event, "value", None) or getattr(event, "exception", event)))
                case _:
                    pass
    faults.extend(_bug(line) for line in lines if line["event"] == "bug")
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(sorted(set(faults))[:40])
    missed = {each.ok().label for each in api.get_all_operations() if isinstance(each, Ok)} - called
    assert not missed, f"never called: {missed}"
    print(f"{sum(statuses.values())} calls in {time.monotonic() - begun:.0f} s: {dict(sorted(statuses.items()))}")
    assert statuses[200] + statuses[201] > len(called), "too little got through to show anything"


def _faults(recorder: Any) -> list[str]:
    return [
        f"{check.name}: {recorder.cases[id_].value.as_curl_command()[:300]}\n    "
        f"{check.failure_info.failure.message[:600]}"
        for id_, checks in recorder.checks.items()
        for check in checks
        if check.failure_info is not None
    ]


def _bug(line: Any) -> str:
    return f"bug at {line['method']} {line['route']}: " + "".join(traceback.format_exception(line["exc_info"])[-3:])
