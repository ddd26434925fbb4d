"""What every caller may rely on, whichever word answers: problems, headers, health, figures, the description."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated, Any, cast

import httpx
import msgspec
import psycopg
import psycopg_pool
import pytest
from litestar import Litestar, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.testing import AsyncTestClient

from perpetua.access.types import SYSTEM
from perpetua.app.metrics import Metrics
from perpetua.app.settings import Settings
from perpetua.app.web import MAX_BODY_BYTES, create_app
from perpetua.kit.database import Database, sql
from perpetua.kit.errors import Conflict
from perpetua.kit.http import Moment, QueryId
from perpetua.kit.listing import PageRequest
from perpetua.ledger import service as ledger

Client = AsyncTestClient[Litestar]


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sku: str
    quantity: Decimal
    password: int = 0
    anything: Any = None


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    lines: list[Line]


@post("/t/echo")
async def echo(data: Command) -> Command:
    return data


@post("/t/text")
async def text(data: Line, db: Database) -> str:
    async with db.transaction() as tx:
        return str(await tx.value(sql("SELECT %(sku)s::text || %(any)s::text"), {"sku": data.sku, "any": "x"}))


@get("/t/item/{item_id:int}")
async def item(item_id: int, db: Database) -> str:
    async with db.transaction() as tx:
        return str(await tx.value(sql("SELECT %(id)s::bigint"), {"id": item_id}))


@get("/t/list")
async def listed(page: PageRequest, moment: Moment, number: QueryId = None) -> dict[str, Any]:
    return {"page": page, "moment": moment, "number": number}


@get("/t/needs")
async def needs(word: str) -> str:
    return word


@get("/t/fail/{how:str}")
async def fail(how: str, db: Database) -> None:
    async with db.transaction() as tx:
        match how:
            case "slow":
                await tx.execute(sql("SET LOCAL statement_timeout = 20"))
                await tx.execute(sql("SELECT pg_sleep(5)"))
            case "range":
                await tx.execute(sql("SELECT 1e30::numeric::bigint"))
            case "unique":
                await tx.execute(sql("INSERT INTO idempotent_commands VALUES (1, '', 'x', '', NULL)"))
            case "deadlock":
                raise psycopg.errors.DeadlockDetected("deadlock detected")
            case "away":
                raise psycopg.OperationalError("the connection is lost, host=secret.example")
            case "full":
                raise psycopg_pool.PoolTimeout("couldn't get a connection")
            case "refused":
                raise Conflict(reason="It is there already.", asked=Decimal("1.5"), odd=object)
            case _:
                raise ZeroDivisionError("the inside of it: hunter2")


@post("/t/file")
async def upload(data: Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)]) -> str:
    return f"{data.filename} {len(await data.read())}"


@post("/t/attempt", opt={"attempts": (3, 60)})
async def attempt() -> str:
    return "tried"


@pytest.fixture(scope="module")
async def app(settings: Settings, db: Database) -> Litestar:
    made = create_app(settings, db)
    for handler in (echo, text, item, listed, needs, fail, attempt, upload):
        made.register(handler)
    return made


def as_machine(app: Litestar) -> httpx.AsyncClient:
    """A client on the machine itself."""
    transport = httpx.ASGITransport(cast(Any, app), client=("127.0.0.1", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://perpetua.local")


async def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"/problems/{code}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]
    return body


async def test_health_and_readiness(client: Client) -> None:
    assert (await client.get("/health")).json() == {"status": "ok"}
    assert (await client.get("/ready")).json()["status"] == "ok"


async def test_not_ready_while_the_schema_is_another(settings: Settings, server_url: str) -> None:
    async with Database(server_url, role=None) as empty, AsyncTestClient(create_app(settings, empty)) as client:
        body = await problem(await client.get("/ready"), 503, "unavailable")
        assert body["schema"] is None
        assert (await client.get("/health")).status_code == 200


async def test_not_ready_while_the_database_is_away(settings: Settings) -> None:
    away = Database("host=/nonexistent dbname=x connect_timeout=1")
    async with AsyncTestClient(create_app(settings, away)) as client:
        response = await client.get("/ready")
        await problem(response, 503, "unavailable")
        assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "how, status, code",
    [
        ("slow", 503, "unavailable"), ("range", 422, "out_of_range"), ("unique", 409, "constraint_violated"),
        ("deadlock", 503, "unavailable"), ("away", 503, "unavailable"), ("full", 503, "unavailable"),
        ("refused", 409, "conflict"), ("bug", 500, "internal_error"),
    ],
)  # fmt: skip
async def test_each_failure_is_a_problem(client: Client, how: str, status: int, code: str) -> None:
    response = await client.get(f"/t/fail/{how}")
    await problem(response, status, code)
    assert ("retry-after" in response.headers) == (status == 503)
    assert "hunter2" not in response.text
    assert "secret.example" not in response.text


async def test_a_refusal_keeps_its_facts(client: Client) -> None:
    body = await problem(await client.get("/t/fail/refused"), 409, "conflict")
    assert body["asked"] == "1.5"
    assert body["detail"] == "It is there already."


async def test_nothing_there_and_not_this_method(client: Client) -> None:
    await problem(await client.get("/api/nothing-of-ours"), 404, "no_such_address")
    await problem(await client.get("/t/item/abc"), 404, "no_such_address")
    response = await client.put("/t/echo")
    body = await problem(response, 405, "method_not_allowed")
    assert "POST" in body["allowed"]
    assert response.headers["allow"] == ", ".join(body["allowed"])


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "9223372036854775808", "-9"])
async def test_a_number_that_nothing_can_have_is_not_found(client: Client, number: str) -> None:
    assert (await client.get(f"/t/item/{number}")).status_code == 404


@pytest.mark.parametrize(
    "body, field",
    [
        (b'{"lines":[{"sku":"A","quantity":"x"}]}', "lines[0].quantity"),
        (b'{"lines":[{"sku":"A"}]}', "lines[0].quantity"),
        (b'{"lines":[{"sku":1,"quantity":1}]}', "lines[0].sku"),
        (b'{"lines":[{"sku":"A","quantity":1,"colour":1}]}', "lines[0].colour"),
        (b'{"lines":{}}', "lines"),
        (b"[]", "body"),
        (b"null", "body"),
        (b'{"lines":[{"sku":"A\\u0000","quantity":1}]}', "body"),
        (b'{"lines":[{"sku":"A","quantity":1,"anything":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}", "body"),
    ],
)
async def test_a_misshapen_body_names_the_field(client: Client, body: bytes, field: str) -> None:
    said = await problem(await client.post("/t/echo", content=body, headers=JSON), 422, "invalid_value")
    assert said["field"] == field
    assert said["reason"]


JSON = {"Content-Type": "application/json"}


async def test_what_was_sent_is_shown_unless_it_is_secret(client: Client) -> None:
    sent = b'{"lines":[{"sku":"A","quantity":"a dozen","password":1}]}'
    said = await problem(await client.post("/t/echo", content=sent, headers=JSON), 422, "invalid_value")
    assert said["value"] == "a dozen"
    sent = b'{"lines":[{"sku":"A","quantity":1,"password":"hunter2"}]}'
    response = await client.post("/t/echo", content=sent, headers=JSON)
    await problem(response, 422, "invalid_value")
    assert "hunter2" not in response.text


@pytest.mark.parametrize(
    "body", [b"{", b'{"lines":', b"\xff\xfe", b'{"lines":"\xed\xa0\x80"}', b'{"lines":"\\ud800"}', b"nope", b"{}{}"]
)
async def test_what_is_no_json_is_400(client: Client, body: bytes) -> None:
    await problem(await client.post("/t/echo", content=body, headers=JSON), 400, "malformed_json")


async def test_an_escaped_backslash_is_no_nul(client: Client) -> None:
    sent = b'{"lines":[{"sku":"\\\\u0000","quantity":1}]}'
    response = await client.post("/t/echo", content=sent, headers=JSON)
    assert response.json()["lines"][0]["sku"] == "\\u0000"


async def test_decimals_stay_exact(client: Client) -> None:
    sent = b'{"lines":[{"sku":"A","quantity":12345678901234.1234},{"sku":"B","quantity":"0.10"}]}'
    response = await client.post("/t/echo", content=sent, headers=JSON)
    assert [line["quantity"] for line in response.json()["lines"]] == ["12345678901234.1234", "0.10"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx", "multipart/form-data"]
)
async def test_another_media_type_is_415(client: Client, kind: str) -> None:
    response = await client.post("/t/echo", content=b"{}", headers={"Content-Type": kind})
    await problem(response, 415, "unsupported_media_type")


async def test_no_body_at_all(client: Client) -> None:
    assert (await problem(await client.post("/t/echo", headers=JSON), 422, "invalid_value"))["field"] == "body"


async def test_a_body_over_the_limit_is_413_with_the_limit(app: Litestar, client: Client) -> None:
    big = b'{"lines":"' + b"x" * MAX_BODY_BYTES + b'"}'
    said = await problem(await client.post("/t/echo", content=big, headers=JSON), 413, "body_too_large")
    assert said["limit_bytes"] == MAX_BODY_BYTES

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 1_000_000

    async with as_machine(app) as plain:  # its length is not announced
        await problem(await plain.post("/t/echo", content=chunks(), headers=JSON), 413, "body_too_large")


@pytest.mark.parametrize("query", ["word=%00", "word=a%00b", "%00=1", "word=%ff", "word=%ed%a0%80"])
async def test_a_query_that_the_database_could_not_hold_is_422(client: Client, query: str) -> None:
    await problem(await client.get(f"/t/needs?{query}"), 422, "invalid_value")


@pytest.mark.parametrize(
    "query, field",
    [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("limit=" + "9" * 5000, "limit"),
        ("cursor=" + "x" * 2001, "cursor"), ("as_of=tomorrow", "as_of"), ("as_of=0001-01-01", "as_of"),
        ("known_at=9999-01-01T00:00:00Z", "known_at"), ("number=9223372036854775808", "number"),
        ("number=1.5", "number"),
    ],
)  # fmt: skip
async def test_a_bad_parameter_is_named(client: Client, query: str, field: str) -> None:
    said = await problem(await client.get(f"/t/list?{query}"), 422, "invalid_value")
    assert said["field"] == field


async def test_good_parameters_arrive(client: Client) -> None:
    said = (
        await client.get("/t/list?limit=1000&sort=sku&as_of=2026-03-01&known_at=2026-03-01T10:00:00%2B02:00")
    ).json()
    assert said["page"] == {"limit": 1000, "cursor": None, "sort": "sku"}
    assert said["moment"] == {"as_of": "2026-03-01T23:59:59.999999Z", "known_at": "2026-03-01T08:00:00Z"}


async def test_a_missing_parameter_is_named(client: Client) -> None:
    assert (await problem(await client.get("/t/needs"), 422, "invalid_value"))["field"] == "word"


async def test_attempts_are_limited(client: Client) -> None:
    for _ in range(3):
        assert (await client.post("/t/attempt")).status_code == 201
    response = await client.post("/t/attempt")
    said = await problem(response, 429, "too_many_requests")
    assert int(response.headers["retry-after"]) == said["retry_after_seconds"] > 0


async def test_figures_count_by_template(app: Litestar, client: Client) -> None:
    await client.get("/t/item/7")
    await problem(await client.get("/metrics"), 403, "not_allowed")
    async with as_machine(app) as here:
        figures = (await here.get("/metrics")).text
    assert 'perpetua_requests_total{method="GET",route="/t/item/{item_id}",status="200"}' in figures
    assert 'perpetua_pool{figure="pool_size"}' in figures
    assert "/t/item/7" not in figures
    assert 'perpetua_jobs{status="failed"} 0.0' in figures
    assert "perpetua_database_up 1.0" in figures


async def test_whether_the_last_check_passed(app: Litestar, db: Database) -> None:
    async with as_machine(app) as here:
        assert "perpetua_integrity{" not in (await here.get("/metrics")).text
        await ledger.check(db, SYSTEM)
        assert 'perpetua_integrity{figure="passed"} 1.0' in (await here.get("/metrics")).text


async def test_a_word_can_add_figures(db: Database) -> None:
    metrics = Metrics()

    async def by_kind(_: Database) -> dict[str, float]:
        return {"good": 2, "bad": 1}

    async def broken(_: Database) -> float:
        raise psycopg.OperationalError("away")

    metrics.watch("perpetua_rows", "Rows by kind", by_kind, label="kind")
    metrics.watch("perpetua_broken", "Cannot be read", broken)
    text = (await metrics.text(db)).decode()
    assert 'perpetua_rows{kind="good"} 2.0' in text
    assert "perpetua_database_up 0.0" in text


async def test_figures_are_not_for_everybody(db: Database, settings: Settings) -> None:
    guarded = create_app(msgspec.structs.replace(settings, metrics_token="m" * 20), db)
    async with AsyncTestClient(guarded) as client:
        await problem(await client.get("/metrics"), 403, "not_allowed")
        await problem(await client.get("/metrics", headers={"Authorization": "Bearer x"}), 403, "not_allowed")
        assert (await client.get("/metrics", headers={"Authorization": "Bearer " + "m" * 20})).status_code == 200


async def test_description_and_reference(client: Client) -> None:
    schema = (await client.get("/api/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    assert set(schema["components"]["securitySchemes"]) == {"token", "session"}
    assert "application/problem+json" in schema["paths"]["/ready"]["get"]["responses"]["503"]["content"]
    page = await client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "/ready" in page.text
    assert "http" not in page.text.replace("http-equiv", "")  # nothing is loaded from elsewhere
    assert (await client.get("/docs/style.css")).headers["content-type"].startswith("text/css")
    await problem(await client.get("/docs/schema/openapi.json"), 404, "no_such_address")
    await problem(await client.get("/docs/schema/else"), 404, "no_such_address")


async def test_what_a_problem_means_can_be_read(client: Client) -> None:
    assert "Changed since you read it" in (await client.get("/problems/stale_version")).text
    assert (await client.get("/problems/%3Cscript%3E")).status_code == 404


async def test_the_application_opens_and_closes_its_own_database(settings: Settings, database_url: str) -> None:
    own = create_app(msgspec.structs.replace(settings, database_url=database_url))
    async with AsyncTestClient(own) as client:
        assert (await client.get("/ready")).status_code == 200
    await asyncio.sleep(0)


async def test_a_file_arrives(client: Client) -> None:
    assert (await client.post("/t/file", files={"file": ("a.csv", b"1234")})).text == "a.csv 4"


def part(head: str, body: bytes) -> bytes:
    return f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + body + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    "body, status",
    [
        (b"", 422), (b"nonsense", 400), (part('name="a"', b"text"), 422), (part('name="a"', b"\xff"), 400),
        (part('name="a"; filename="x\0y"', b"1"), 422), (part('name="a"', b"\0"), 422),
        (part('name="a"\r\nContent-Type: text/plain; charset=nonsense', b"1"), 400),
        (part('name="f"; filename="x"', b"1")[:-8], 400),
    ],
)  # fmt: skip
async def test_a_broken_form_is_refused(client: Client, body: bytes, status: int) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    response = await client.post("/t/file", content=body, headers=kind)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=", ""])
async def test_a_form_is_asked_for(client: Client, kind: str) -> None:
    response = await client.post("/t/file", content=b"{}", headers={"Content-Type": kind})
    await problem(response, 415, "unsupported_media_type")
