"""What an operator watches, as Prometheus text at /metrics.

Always true:
- Labels are few: routes are templates, statuses are counted as they are, nothing names a person or an item.
- The figures are for the machine itself, or for whoever has PERPETUA_METRICS_TOKEN; for nobody else.
- A figure that cannot be read is left out; the others are still given.
"""

import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

import structlog
from litestar import Request, Response, get
from litestar.params import Parameter
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from perpetua.app.settings import Settings
from perpetua.kit.database import Database
from perpetua.kit.errors import NotAllowed

__all__ = ["Metrics", "Reading", "metrics_page"]

Reading = Callable[[Database], Awaitable[float | Mapping[str, float]]]
"""Reads one figure, or one for each value of its label."""

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
log = structlog.get_logger("perpetua.web")


class Metrics:
    """The figures of this process. Words' figures are added with `watch`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "perpetua_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "perpetua_request_seconds",
            "Seconds to answer",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._pool = Gauge("perpetua_pool", "The connection pool's own figures", ["figure"], registry=self.registry)
        self._retried = Gauge(
            "perpetua_transactions_retried", "Transactions begun anew, since the process began", ["cause"],
            registry=self.registry,
        )  # fmt: skip
        self._up = Gauge("perpetua_database_up", "1 when the database answered at this reading", registry=self.registry)
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._watched: list[tuple[Gauge, str | None, Reading]] = []

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        known = self._known.get((method, route, status))
        if known is None:
            known = self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)
            self._known[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def watch(self, name: str, meaning: str, read: Reading, *, label: str | None = None) -> None:
        """Add a figure that is read at each look; `label` names what its mapping's keys are."""
        gauge = Gauge(name, meaning, [label] if label else [], registry=self.registry)
        self._watched.append((gauge, label, read))

    async def text(self, db: Database) -> bytes:
        """All figures, in Prometheus' own format."""
        for figure, value in db.pool_figures().items():
            self._pool.labels(figure).set(value)
        for cause, times in db.retried.items():
            self._retried.labels(cause).set(times)
        self._up.set(1)
        for gauge, label, read in self._watched:
            try:
                _set(gauge, label, await read(db))
            except Exception as error:
                self._up.set(0)
                gauge.clear()
                log.warning("figure not read", figure=str(gauge), error=type(error).__name__)
        return generate_latest(self.registry)


@get("/metrics", include_in_schema=False)
async def metrics_page(
    request: Request[Any, Any, Any],
    db: Database,
    settings: Settings,
    metrics: Metrics,
    authorization: Annotated[str | None, Parameter(header="Authorization")] = None,
) -> Response[bytes]:
    """The figures, for the machine itself or with the token."""
    token = settings.metrics_token
    proven = token is not None and secrets.compare_digest((authorization or "").encode(), f"Bearer {token}".encode())
    if not proven and not (token is None and _is_machine(request)):
        raise NotAllowed(permission="PERPETUA_METRICS_TOKEN")
    return Response(await metrics.text(db), media_type="text/plain; version=0.0.4; charset=utf-8")


def _set(gauge: Gauge, label: str | None, value: float | Mapping[str, float]) -> None:
    if label is None:
        assert isinstance(value, int | float)
        gauge.set(value)
        return
    assert isinstance(value, Mapping)
    gauge.clear()
    for key, each in value.items():
        gauge.labels(key).set(each)


def _is_machine(request: Request[Any, Any, Any]) -> bool:
    """Whether the machine itself asks; what a proxy on it passes on is somebody else's."""
    if not request.client or any(name in request.headers for name in ("forwarded", "x-forwarded-for", "via")):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
