"""Every operation, called as its own description allows, and as it does not: no bug, no undocumented answer."""

import os
import time
import traceback
from collections import Counter
from collections.abc import Iterator
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
from schemathesis.hooks import unregister

from perpetua.access import service
from perpetua.access.rules import effective
from perpetua.access.types import SYSTEM, Actor, CreatePerson, CreateToken
from perpetua.app.settings import Settings
from perpetua.app.web import create_app
from perpetua.kit.database import Database, sql

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
COVERAGE: dict[str, Any] = {"unexpected-methods": []}
if EXAMPLES < 50:  # what is malformed is then only sampled, not gone through one by one
    COVERAGE["generation"] = {"mode": "positive"}

KNOWN: dict[str, list[str | int]] = {
    "sku": ["APPLE", "PHONE", "MILK"], "place": ["LON-A", "LON-B", "SHOP"], "id": [1, 2, 3, 4, 5, 6, 7],
    "quantity": ["1", "2.5", "100"], "etag": ['"1"', '"2"'], "reason": ["count", "damage", "found"],
    "site": [1, 2, 5, 6], "instant": ["2026-03-01T12:00:00Z"], "unit": ["each"],
}  # fmt: skip
"""What is there to be asked for, so that calls get beyond "there is no such thing"."""

MEANS = {
    "sku": "sku", "location": "place", "from_location": "place", "to_location": "place", "parent": "place",
    "variant_id": "id", "quantity": "quantity", "reason_code": "reason", "effective_at": "instant", "unit": "unit",
}  # fmt: skip

PATH_IDS = (
    "person",
    "location",
    "product",
    "variant",
    "row",
    "session",
    "token",
    "transfer",
    "request",
    "import",
    "run",
    "order",
    "customer",
    "lot",
    "recall",
    "invoice",
    "charge",
    "supplier",
    "plate",
    "serial",
)

REASONS = {
    "/api/inventory/receive": "", "/api/inventory/adjust": "count", "/api/inventory/write-off": "damage",
    "/api/inventory/sell": "", "/api/inventory/return": "customer", "/api/inventory/transfer": "",
}  # fmt: skip
"""The ledger's commands, and a reason that each takes."""

CONFIG: dict[str, Any] = {
    "seed": 20261121,
    "workers": 1,
    "generation": {
        "max-examples": EXAMPLES,
        "deterministic": True,
        "database": "none",
        "no-shrink": True,
        "allow-x00": False,
        "with-security-parameters": False,
    },
    "dictionaries": {name: {"values": values} for name, values in KNOWN.items()},
    "parameters": {
        f"{where}{name}": {"dictionary": of, "probability": 0.8}
        for where in ("query.", "body.", "body.lines[*].")
        for name, of in MEANS.items()
    }
    | {f"path.{name}_id": {"dictionary": "id", "probability": 0.8} for name in PATH_IDS}
    | {"path.location_id": {"dictionary": "site", "probability": 0.8}}  # the bins stay, for the ledger's sake
    | {"header.If-Match": {"dictionary": "etag", "probability": 0.8}},
    "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
    "phases": {"examples": {"enabled": False}, "stateful": {"enabled": False}, "coverage": COVERAGE},
}

WORLD = """
  INSERT INTO locations (code, name, kind) VALUES ('LON', 'London', 'warehouse'), ('SHOP', 'Shop', 'store');
  INSERT INTO locations (code, name, kind, sellable, parent_id)
    SELECT code, code, kind, kind = 'bin', (SELECT id FROM locations WHERE code = parent)
    FROM (VALUES ('LON-A', 'bin', 'LON'), ('LON-B', 'bin', 'LON'), ('LON-TRANSIT', 'transit', 'LON'),
                 ('SHOP-TRANSIT', 'transit', 'SHOP')) AS v (code, kind, parent);
  WITH p AS (INSERT INTO products (name, first_sku) SELECT sku, sku FROM unnest('{APPLE,PHONE,MILK}'::text[]) AS sku
             RETURNING id, first_sku)
  INSERT INTO product_variants (product_id, sku, name, unit, tracking)
    SELECT id, first_sku, first_sku, 'each',
           CASE first_sku WHEN 'PHONE' THEN 'serial' WHEN 'MILK' THEN 'lot' ELSE 'none' END
    FROM p ORDER BY id;

  -- Whoever makes the calls stays what they are, whatever the calls do to them.
  CREATE FUNCTION keep_person() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.active := true; NEW.role := OLD.role; NEW.everywhere := true; RETURN NEW; END $$;
  CREATE FUNCTION keep_token() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.revoked_at := NULL; RETURN NEW; END $$;
  CREATE TRIGGER keep BEFORE UPDATE ON people FOR EACH ROW
    WHEN (OLD.email = 'fuzz@example.com') EXECUTE FUNCTION keep_person();
  CREATE TRIGGER keep BEFORE UPDATE ON api_tokens FOR EACH ROW WHEN (OLD.name = 'fuzz') EXECUTE FUNCTION keep_token();
"""


@pytest.fixture(scope="module")
async def token(db: Database) -> str:
    """An administrator's API token."""
    command = CreatePerson(email="fuzz@example.com", name="Fuzz", role="administrator", password="three wet forklifts")
    person = (await service.create_person(db, SYSTEM, command)).answer
    actor = Actor(person_id=person.id, name=person.name, role=person.role, permissions=effective(person.role))
    until = datetime.now(UTC) + timedelta(days=1)
    return (await service.create_token(db, actor, CreateToken(name="fuzz", expires_at=until))).secret


@pytest.fixture(scope="module")
async def world(db: Database) -> None:
    """Places, items and stock."""
    async with db.admin() as tx:
        await tx.execute(sql(WORLD))


@pytest.fixture(scope="module")
def api(settings: Settings, database_url: str, token: str, world: None) -> Iterator[schemathesis.BaseSchema]:
    own = create_app(msgspec.structs.replace(settings, database_url=database_url))
    config = SchemathesisConfig.from_dict({**CONFIG, "headers": {"Authorization": f"Bearer {token}"}})
    schemathesis.hook("before_call")(_sensible)
    yield schemathesis.openapi.from_asgi("/api/openapi.json", own, config=config)
    unregister(_sensible)


def _sensible(_: Any, case: schemathesis.Case, __: Any) -> None:
    """The well-formed documents name what is there, as chance would hardly do it."""
    body: Any = case.body
    reason = REASONS.get(case.path)
    if case.meta is None or case.meta.generation.mode.value != "positive" or reason is None or "lines" not in body:
        return
    sku, quantity = {0: ("APPLE", "1"), 1: ("MILK", "2.5"), 2: ("PHONE", "1")}[len(str(body)) % 3]
    line: dict[str, Any] = {"sku": sku, "quantity": quantity}
    line |= {"MILK": {"lot": "L1"}, "PHONE": {"serials": [f"S{len(str(body))}"]}}.get(sku, {})
    places = {"from_location": "LON-A", "to_location": "LON-B"} if "transfer" in case.path else {"location": "LON-A"}
    case.body = {**body, **places, **({"reason_code": reason} if reason else {}), "lines": [line]}


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
