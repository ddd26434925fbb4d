"""The API's reference for people, made from the description that machines read; no script, nothing from elsewhere."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import Any, Final

from litestar import Request, Response, get

from perpetua.kit import json
from perpetua.kit.errors import Missing, Refusal

__all__ = ["docs", "handlers", "openapi_json", "page"]

STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem 1.5rem 6rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid #8886; }
article { margin: 1.5rem 0; padding: .75rem 1rem; border: 1px solid #8884; border-radius: .5rem; }
article h3 { margin: 0; font-size: 1rem; }
code, .method { font-family: ui-monospace, monospace; font-size: .92em; }
.method { font-weight: 700; margin-right: .5rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
td, th { text-align: left; vertical-align: top; padding: .2rem .75rem .2rem 0; border-bottom: 1px solid #8883; }
nav a { margin-right: 1rem; }
summary { cursor: pointer; }
"""

METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})
Node = Mapping[str, Any]


@get("/docs", include_in_schema=False, media_type="text/html")
async def docs(request: Request[Any, Any, Any]) -> str:
    """The reference, as one page."""
    return _rendered(request.app)


@get("/docs/style.css", include_in_schema=False, media_type="text/css", cache_control=None)
async def style() -> str:
    """How the reference looks."""
    return STYLE


@get("/api/openapi.json", include_in_schema=False)
async def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The description that machines read (OpenAPI 3.1)."""
    return Response(_described(request.app), media_type="application/json")


@get("/problems/{code:str}", include_in_schema=False, media_type="text/html")
async def problem(code: str) -> str:
    """What a problem's `type` means."""
    for kind in _refusals(Refusal):
        if kind.code == code:
            says = "".join(f"<p>{escape(text)}</p>" for text in (kind.__doc__, kind.sentence, kind.remedy) if text)
            return _framed(kind.title, f"<h1>{escape(kind.title)}</h1><p><code>{code}</code>, {kind.status}</p>{says}")
    raise Missing("problem", code)


handlers: Final = [docs, style, openapi_json, problem]


@lru_cache(maxsize=4)
def _described(app: Any) -> bytes:
    described = app.openapi_schema.to_schema()
    for item in described["paths"].values():
        for method in METHODS & item.keys():
            item[method]["responses"].get("204", {}).pop("content", None)  # Litestar gives `Response[None]` a body
    return json.dumps(described)


@lru_cache(maxsize=4)
def _rendered(app: Any) -> str:
    return page(json.loads(_described(app)))


def page(schema: Node) -> str:
    """The whole reference from an OpenAPI document."""
    info = schema["info"]
    tags = {tag["name"]: tag.get("description", "") for tag in schema.get("tags", [])}
    by_tag: dict[str, list[str]] = {}
    for path, item in sorted(schema["paths"].items()):
        for method, operation in item.items():
            if method in METHODS:
                tag = (operation.get("tags") or ["operation"])[0]
                by_tag.setdefault(tag, []).append(_operation(method, path, operation))
    named = [tag for tag in tags if tag in by_tag] + sorted(set(by_tag) - set(tags))
    parts = [
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
        *(f"<p>{escape(text)}</p>" for text in info.get("description", "").split("\n\n")),
        '<p><a href="/api/openapi.json">openapi.json</a></p><nav>',
        *(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in [*named, "shapes"]),
        "</nav>",
    ]
    for tag in named:
        parts.append(f'<h2 id="{escape(tag)}">{escape(tag)}</h2><p>{escape(tags.get(tag, ""))}</p>')
        parts.extend(by_tag[tag])
    parts.append('<h2 id="shapes">shapes</h2>')
    shapes: Node = schema.get("components", {}).get("schemas", {})
    parts.extend(_shape(name, shape) for name, shape in sorted(shapes.items()))
    return _framed(info["title"], "\n".join(parts))


def _operation(method: str, path: str, operation: Node) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}</td>"
        f"<td>{_kind(each.get('schema', {}))}</td><td>{escape(each.get('description') or '')}</td></tr>"
        for each in operation.get("parameters", [])
    )
    takes = f"<table>{rows}</table>" if rows else ""
    body = operation.get("requestBody", {}).get("content", {})
    sent = "".join(f"<p>Body: {_kind(each.get('schema', {}))}</p>" for each in body.values())
    answers = "".join(
        f"<tr><td><code>{escape(status)}</code></td><td>{_kinds(answer)}</td>"
        f"<td>{escape(answer.get('description') or '')}</td></tr>"
        for status, answer in sorted(operation.get("responses", {}).items())
    )
    says = escape(operation.get("description") or operation.get("summary") or "")
    return (
        f'<article id="{escape(operation.get("operationId", ""))}"><h3><span class="method">{method.upper()}</span>'
        f"<code>{escape(path)}</code></h3><p>{says}</p>"
        f"{takes}{sent}<details><summary>Answers</summary><table>{answers}</table></details></article>"
    )


def _shape(name: str, shape: Node) -> str:
    required = set(shape.get("required", []))
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code>{'' if field in required else ' (optional)'}</td><td>{_kind(each)}</td>"
        f"<td>{escape(each.get('description') or '')}</td></tr>"
        for field, each in shape.get("properties", {}).items()
    )
    says = escape(shape.get("description") or "")
    return f'<article id="shape-{escape(name)}"><h3>{escape(name)}</h3><p>{says}</p><table>{rows}</table></article>'


def _kinds(answer: Node) -> str:
    return " ".join(_kind(each.get("schema", {})) for each in answer.get("content", {}).values())


def _kind(schema: Node) -> str:
    if ref := schema.get("$ref"):
        name = str(ref).rpartition("/")[2]
        return f'<a href="#shape-{escape(name)}">{escape(name)}</a>'
    for how in ("oneOf", "anyOf", "allOf"):
        if how in schema:
            return " or ".join(_kind(each) for each in schema[how])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    kind: Any = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    said = str(kind) if isinstance(kind, str) else " or ".join(kind)
    return escape(f"{said} ({schema['format']})" if "format" in schema else said)


def _framed(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/docs/style.css"></head><body>{body}</body></html>'
    )


def _refusals(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _refusals(below)
