"""What the program tells its operator: one event a line, as JSON where no person looks.

Always true:
- A password, token or secret is never written, nor a database's address with its password.
- A row's values and e-mail addresses, which errors of the database quote, are not written either.
- Whatever was bound to the context (request id, job id) is on each line.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, cast

import structlog

from perpetua.kit import json

__all__ = ["configure", "hidden", "request"]

HIDDEN: Final = "***"
_SECRET_NAME: Final = re.compile(r"pass(word|wd|phrase)|secret|token|authorization|cookie|api_?key|otp", re.IGNORECASE)
_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(\w://[^\s:/@]*):[^\s/]*@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"((?:ssl)?password\s*[=:]\s*)('[^']*'|[^\s&]+)", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(bearer\s+)\S+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"^(\s*(?:DETAIL|CONTEXT):).*$", re.MULTILINE), rf"\1 {HIDDEN}"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), HIDDEN),
)
_WEB: Final = "perpetua.web"
_web = structlog.get_logger(_WEB)
_as_json = False
_QUIET: Final = {
    "alembic": logging.WARNING,
    "procrastinate": logging.WARNING,
    "httpx": logging.WARNING,
    "asyncio": logging.WARNING,
}


def configure(level: str = "info", *, as_json: bool | None = None) -> None:
    """Send all logs, ours and the libraries', to the error output; JSON unless that is a terminal."""
    written_as_json = not sys.stderr.isatty() if as_json is None else as_json
    number = logging.getLevelNamesMapping()[level.upper()]
    global _as_json
    _as_json = written_as_json
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    last += [structlog.processors.format_exc_info, _hide]  # a traceback is text like any other: made, then cleaned
    if written_as_json:
        last.append(structlog.processors.JSONRenderer(serializer=_serialized))
    else:
        last.append(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(min(least, number) if number == logging.DEBUG else max(least, number))


def request(method: str, route: str, status: int, seconds: float, actor_id: int | None, request_id: str) -> None:
    """One line for a request that was answered.

    There is one of these for every request, and nothing in it that could be a secret: where lines are JSON it is
    written as it is, past all that others go through, which costs more than many a request.
    """
    ms = round(seconds * 1000, 1)
    if not _as_json:
        _web.info("request", method=method, route=route, status=status, ms=ms, actor=actor_id)
    elif logging.root.level <= logging.INFO:
        line = {"method": method, "route": route, "status": status, "ms": ms, "actor": actor_id, "event": "request",
                "request_id": request_id, "level": "info", "logger": _WEB, "at": datetime.now(UTC)}  # fmt: skip
        sys.stderr.write(json.dumps(line).decode() + "\n")


def hidden(value: Any) -> Any:
    """`value` without secrets and personal data, at any depth."""
    match value:
        case str():
            for pattern, instead in _PATTERNS:
                value = pattern.sub(instead, value)
            return value
        case Mapping():
            told = cast(Mapping[Any, Any], value)
            return {key: HIDDEN if _SECRET_NAME.search(str(key)) else hidden(part) for key, part in told.items()}
        case list() | tuple() | set() | frozenset():
            return [hidden(part) for part in cast(list[Any], value)]
        case None | bool() | int() | float():
            return value
        case _:
            return hidden(str(value))


def _hide(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return cast(MutableMapping[str, Any], hidden(event))


def _serialized(event: Any, **_: Any) -> str:
    return json.dumps(event).decode()
