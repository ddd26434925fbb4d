"""The web application: every word's handlers behind one gate.

Always true:
- A handler is given `db`, `actor`, `secrets`, `settings`, `letterhead`, `clock`, `metrics`, `page`, `moment` by name;
  it makes none.
- Orders of one process are decided together: all handlers share one `gathering`.
- A handler that takes an `actor` is for those who signed in: they are known before a byte of the body is read.
- Nothing from a caller reaches a word unread: the gate has looked at the request, its body has the handler's own type.
- Every answer of 400 and above is a problem, and documented at its operation.
"""

import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Final

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide

from perpetua.access import http as access
from perpetua.access.service import Callers
from perpetua.access.types import Actor, Secrets
from perpetua.allocation import http as allocation
from perpetua.allocation.service import Gathering
from perpetua.app import exports_http, figures, health, imports_http, openapi, problems, reference, storage
from perpetua.app.express import Express, Lane
from perpetua.app.forwarded import networks
from perpetua.app.limits import threshold
from perpetua.app.metrics import Metrics, metrics_page
from perpetua.app.middleware import Gate
from perpetua.app.request import JsonRequest
from perpetua.app.settings import Settings
from perpetua.costing import http as costing
from perpetua.items import http as items
from perpetua.kit import typeset
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database
from perpetua.kit.http import moment_of, page_of_query
from perpetua.kit.idempotency import Answered
from perpetua.kit.objects import DiskStore
from perpetua.labels import http as labels
from perpetua.ledger import http as ledger
from perpetua.orders import http as orders
from perpetua.orders.types import Order, PlaceOrder
from perpetua.partners import http as partners
from perpetua.places import http as places
from perpetua.plates import http as plates
from perpetua.purchasing import http as purchasing
from perpetua.receiving import http as receiving
from perpetua.scanning import http as scanning
from perpetua.tracing import http as tracing

__all__ = ["MAX_BODY_BYTES", "create_app"]

MAX_BODY_BYTES: Final = 10_000_000
"""Of a JSON body. A handler that takes files says its own `request_max_body_size`."""

WORDS: Final[list[Any]] = [
    *access.handlers, *places.handlers, *items.handlers, *partners.handlers, *ledger.handlers, *scanning.handlers,
    *orders.handlers, *purchasing.handlers, *costing.handlers,
    *allocation.handlers, *receiving.handlers, *tracing.handlers, *labels.handlers, *plates.handlers,
    *imports_http.handlers, *exports_http.handlers,
]  # fmt: skip
"""The handlers of all words."""

OWN: Final[list[Any]] = [health.health, health.ready, metrics_page, *reference.handlers]


def create_app(settings: Settings, db: Database | None = None, *, clock: Clock = system_clock) -> Litestar:
    """The application.

    Args:
        settings: how this installation runs.
        db: an open database, which stays the caller's; without it that of `settings` is opened, and closed at the end.
        clock: tells the present instant.
    """
    typeset.use_fonts(settings.fonts)
    metrics = Metrics()
    figures.watch(metrics)
    secrets = Secrets(key=settings.secret, old=settings.old_secrets, https=settings.https)
    objects = DiskStore(settings.home / "objects")
    state = State({})
    if db:
        _use(state, db, secrets, clock)
    handlers = [*OWN, *WORDS]
    for handler in handlers:
        openapi.document(handler)
    app = Litestar(
        route_handlers=handlers,
        dependencies={
            "db": Provide(lambda: state["db"], sync_to_thread=False),
            "gathering": Provide(lambda: state["gathering"], sync_to_thread=False),
            "actor": Provide(_actor, sync_to_thread=False),
            "secrets": Provide(lambda: secrets, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "letterhead": Provide(lambda: settings.letterhead, sync_to_thread=False),
            "objects": Provide(lambda: objects, sync_to_thread=False),
            "clock": Provide(lambda: clock, sync_to_thread=False),
            "metrics": Provide(lambda: metrics, sync_to_thread=False),
            "page": Provide(page_of_query, sync_to_thread=False),
            "moment": Provide(moment_of, sync_to_thread=False),
        },
        exception_handlers=problems.HANDLERS,
        lifespan=[] if db else [_opened(settings, state, secrets, clock)],
        logging_config=None,
        middleware=[threshold(lambda request: access.actor_of_request(request, state["callers"], secrets))],
        openapi_config=openapi.config(access.cookie_name(settings.https)),
        plugins=[openapi.DecimalSchema(), openapi.StructSchema()],
        request_class=JsonRequest,
        request_max_body_size=MAX_BODY_BYTES,
        state=state,
    )
    _one_by_one(app)
    express = Express(app.asgi_handler, _lanes(state), lambda sent: state["callers"].actor_of(authorization=sent))
    app.asgi_handler = Gate(
        express, metrics, allowed_hosts=settings.allowed_hosts, https=settings.https,
        proxies=networks(settings.trusted_proxies), proxy_header=settings.proxy_header,
    )  # fmt: skip
    return app


def _lanes(state: State) -> list[Lane]:
    async def place(actor: Actor, order: PlaceOrder, key: str | None) -> Answered[Order]:
        return await state["gathering"].place(actor, order, key=key)

    return [Lane("/api/orders", PlaceOrder, place)]


def _one_by_one(app: Litestar) -> None:
    """What handlers are given is at hand. Litestar would fetch it in a task group, which costs more than the rest."""
    for route in app.routes:
        for _, model in getattr(route, "route_handler_map", {}).values():
            model.dependency_batches = [{one} for batch in model.dependency_batches for one in batch]


def _actor(request: Request[Any, Any, Any]) -> Actor:
    return request.scope["state"]["actor"]


def _use(state: State, db: Database, secrets: Secrets, clock: Clock) -> None:
    """What requests share in this process."""
    state["db"] = db
    state["callers"] = Callers(db, secrets, clock=clock)
    state["gathering"] = Gathering(db, clock=clock)


def _opened(settings: Settings, state: State, secrets: Secrets, clock: Clock) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None]:
        with storage.url(settings) as url:
            async with Database(url, min_size=settings.pool_min, max_size=settings.pool_max) as database:
                _use(state, database, secrets, clock)
                yield

    return lifespan
