"""The description of the API that machines read: /api/openapi.json.

Always true: each operation names every status it can answer with, and each problem's shape.
"""

from decimal import Decimal
from typing import Any, Final

from litestar import Router
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar._openapi.schema_generation.schema import SchemaCreator  # the plugin's own signature names it
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Schema, SecurityScheme, Tag
from litestar.openapi.spec.enums import OpenAPIType
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from perpetua import __version__
from perpetua.app.problems import PROBLEM_JSON, Problem

__all__ = ["DecimalSchema", "StructSchema", "config", "document"]

DESCRIPTION: Final = """A perpetual-inventory system that proves its numbers.

Quantities and money are decimal strings, instants are RFC 3339 in UTC. Lists are read in pages: send `next_cursor` back
as `cursor`. Send `Idempotency-Key` with a command, and sending it again has no second effect. What people edit has an
`ETag`; send it back as `If-Match`. Stock is shown as it was with `as_of`, and as it was known with `known_at`.
Everything that is not done is answered with a problem (RFC 9457) that carries the facts.
"""

TAGS: Final = [
    Tag(name="access", description="People, sign-in, tokens and the audit trail."),
    Tag(name="items", description="Products, their variants, barcodes, units and images."),
    Tag(name="places", description="Sites, zones and bins, nested without limit."),
    Tag(name="stock", description="Stock movements and what follows from them, now and at any past instant."),
    Tag(name="lots", description="What was made together: whether it may be sent, its dates and papers, what expires."),
    Tag(name="plates", description="License plates: pallets and boxes, moved with all that is on them."),
    Tag(name="tracing", description="Where lots and serials came from and went, and calling them back."),
    Tag(name="scanning", description="Scans kept as they came, understood, and posted once."),
    Tag(name="orders", description="Sales orders: what was promised to whom, and how far it has come."),
    Tag(name="availability", description="What may be promised now, and what is held for carts and quotes."),
    Tag(name="allocation", description="The rules of who gets what, and why each decision fell as it did."),
    Tag(name="customers", description="Who buys."),
    Tag(name="labels", description="Templates of labels, and what they print."),
    Tag(name="imports", description="Lists in, from CSV and XLSX."),
    Tag(name="exports", description="Lists out, as CSV, XLSX and Parquet."),
    Tag(name="operation", description="Health and readiness."),
]

_ALWAYS: Final = {
    400: "The request is not readable.",
    422: "A value cannot be taken; the field, the reason and the remedy are named.",
    429: "Too many requests; `Retry-After` says when to come again.",
    500: "Our fault; the log has the rest under the `request_id`.",
    503: "The database is away or busy; nothing was changed. `Retry-After` says when to come again.",
}
_SIGNED_IN: Final = {
    401: "Sign in first.",
    403: "Not allowed: the permission or the place is named.",
    404: "There is no such thing, or it is not for this reader to see.",
}
_CHANGES: Final = {
    403: "Not allowed: the permission or the place is named; or a change from another site.",
    404: "There is no such thing, or it is not for this reader to see.",
    409: "The state of things does not allow it now, or the idempotency key was used for something else.",
    412: "Changed since it was read; the current version is named.",
    413: "The body is too large; the limit is named.",
    415: "Not this media type.",
    428: "Say with `If-Match` which version is changed.",
}


def _nowhere(*_: Any) -> None:
    raise NotFoundException


class DecimalSchema(OpenAPISchemaPlugin):
    """Decimals are strings in JSON, so that no reader makes floats of them."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        return value is Decimal

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """A string of digits with a point."""
        return Schema(type=OpenAPIType.STRING, pattern=r"^-?[0-9]{1,14}(\.[0-9]{1,6})?$", examples=["12.5"])


class StructSchema(StructSchemaPlugin):
    """A struct that refuses unknown fields says so."""

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """The struct's schema, closed where the struct is."""
        made = super().to_openapi_schema(field_definition, schema_creator)
        kind: Any = field_definition.origin or field_definition.annotation
        if kind.__struct_config__.forbid_unknown_fields:
            made.additional_properties = False
        return made


def config(cookie: str) -> OpenAPIConfig:
    """Title, tags, and how callers prove who they are."""
    return OpenAPIConfig(
        title="Perpetua",
        version=__version__,
        description=DESCRIPTION,
        tags=TAGS,
        security=[{"token": []}, {"session": []}],
        components=Components(
            security_schemes={
                "token": SecurityScheme(
                    type="http", scheme="bearer", description="An API token, or the short-lived one from sign-in."
                ),
                "session": SecurityScheme(
                    type="apiKey",
                    name=cookie,
                    security_scheme_in="cookie",
                    description="A browser's sign-in.",
                ),
            }
        ),
        use_handler_docstrings=True,
        # Litestar must have a router of its own, which answers 404 with HTML; ours are /docs and /api/openapi.json.
        openapi_router=Router("/docs/schema", guards=[_nowhere], route_handlers=[], include_in_schema=False),
        render_plugins=[JsonRenderPlugin()],
    )


def document(handler: HTTPRouteHandler) -> None:
    """Name every problem that the handler can answer with; what it names itself is kept."""
    changes = bool(handler.http_methods & {"POST", "PUT", "PATCH", "DELETE"})
    statuses = (
        _ALWAYS
        | (_SIGNED_IN if {"actor", "secrets"} & handler.fn.__annotations__.keys() else {})
        | (_CHANGES if changes else {})
    )
    known = {
        status: ResponseSpec(
            data_container=Problem, description=meaning, media_type=PROBLEM_JSON, generate_examples=False
        )
        for status, meaning in statuses.items()
    }
    handler.responses = {**known, **(handler.responses or {})}
