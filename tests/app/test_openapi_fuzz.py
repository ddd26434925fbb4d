"""Every operation, called as its own description allows, and as it does not: no bug, no undocumented answer."""

from typing import Any

import msgspec
import pytest
import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.engine import events

from perpetua.app.settings import Settings
from perpetua.app.web import create_app

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
CONFIG: dict[str, Any] = {
    "seed": 20261121,
    "workers": 1,
    "generation": {"max-examples": 6, "deterministic": True, "database": "none", "no-shrink": True},
    "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
    "phases": {"examples": {"enabled": False}, "stateful": {"enabled": False}},
}


@pytest.fixture(scope="module")
def api(settings: Settings, database_url: str) -> schemathesis.BaseSchema:
    own = create_app(msgspec.structs.replace(settings, database_url=database_url))
    return schemathesis.openapi.from_asgi("/api/openapi.json", own, config=SchemathesisConfig.from_dict(CONFIG))


@pytest.mark.slow
def test_no_bug_and_no_undocumented_answer(api: schemathesis.BaseSchema) -> None:
    faults: list[str] = []
    called: set[str] = set()
    for event in engine.from_schema(api).execute():
        match event:
            case events.ScenarioFinished():
                called.update(node.value.operation.label for node in event.recorder.cases.values())
                faults.extend(_faults(event.recorder))
            case events.NonFatalError() | events.FatalError():
                faults.append(str(getattr(event, "value", None) or getattr(event, "exception", event)))
            case _:
                pass
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(sorted(set(faults))[:40])
    missed = {each.ok().label for each in api.get_all_operations() if isinstance(each, Ok)} - called
    assert not missed, f"never called: {missed}"


def _faults(recorder: Any) -> list[str]:
    return [
        f"{check.name}: {recorder.cases[id_].value.as_curl_command()[:300]}\n    "
        f"{check.failure_info.failure.message[:600]}"
        for id_, checks in recorder.checks.items()
        for check in checks
        if check.failure_info is not None
    ]
