"""How a body is read.

Always true:
- JSON is decoded straight into the handler's own type: decimals stay exact, nothing is coerced.
- A body of many things (`one_by_one` names their list) is not refused for the shape of one; the refusal stands there.
- A body that is no JSON is 400; JSON of the wrong shape is 422 and names the field by its path; another media type
  is 415.
- A form that is broken, or has no file where one is asked for, is refused before the handler is entered.
- No text with a NUL goes on to the database, which could not hold it.
"""

import re
from typing import Any, Final, cast, get_args, get_type_hints

import msgspec
from litestar import Request
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException

from perpetua.kit import json
from perpetua.kit.errors import InvalidValue, Refusal

__all__ = ["JsonRequest", "read_form", "takes_form"]

# `\u0000`, not preceded by a backslash that is itself escaped away.
FORM: Final = "multipart/form-data"
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_AT: Final = re.compile(r"^(?P<reason>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_OF_FIELD: Final = re.compile(r"^Object (?P<what>missing required|contains unknown) field `(?P<name>.*)`$", re.DOTALL)
_SECRET: Final = re.compile(r"password|secret|token|otp", re.IGNORECASE)


class MalformedJson(Refusal):
    """The body is no JSON. Facts: reason."""

    status = 400
    code = "malformed_json"
    title = "The body is no JSON"
    sentence = "{reason}"
    remedy = "Send one JSON value in UTF-8."


class MalformedForm(Refusal):
    """The body is no multipart form. Facts: reason."""

    status = 400
    code = "malformed_form"
    title = "The body is no form"
    sentence = "{reason}"
    remedy = "Send its texts in UTF-8."


class UnsupportedMediaType(Refusal):
    """The body is not of a media type that is taken here. Facts: sent, taken."""

    status = 415
    code = "unsupported_media_type"
    title = "Not this media type"
    sentence = "The body is {sent}; this takes {taken}."
    remedy = "Send Content-Type: {taken}."


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON body is read as the handler's `data` type."""

    async def json(self) -> Any:
        """The body as the type of the handler's `data`.

        Raises:
            UnsupportedMediaType, MalformedJson, InvalidValue
        """
        sent = self.content_type[0].lower()
        if sent != "application/json" and not (sent.startswith("application/") and sent.endswith("+json")):
            raise UnsupportedMediaType(sent=sent[:100] or "(none)", taken="application/json")
        body = await self.body()
        field = self.route_handler.parsed_data_field
        kind: Any = field.annotation if field else Any
        return decoded(body, kind)


async def read_form(request: JsonRequest) -> None:
    """Read the multipart form of a handler that takes one, so that each way to be broken has its refusal.

    Raises:
        UnsupportedMediaType, MalformedForm, InvalidValue
    """
    sent, options = request.content_type
    if sent.lower() != FORM or not options.get("boundary"):
        raise UnsupportedMediaType(sent=sent[:100] or "(none)", taken=f"{FORM} with a boundary")
    try:
        form = await request.form()
    except (LookupError, ValueError) as error:
        if isinstance(error, HTTPException):
            raise
        raise MalformedForm(reason="A part of it is not in the letters that it says it is.") from None
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    texts = [value for _, value in form.multi_items() if not isinstance(value, UploadFile)]
    if any("\0" in text for text in [*form, *texts, *(file.filename for file in files)]):
        await form.close()
        raise InvalidValue("body", "\\u0000", "holds the letter NUL, which no text may have; leave it out")
    field = request.route_handler.parsed_data_field
    if field is not None and field.annotation is UploadFile and not files:
        raise InvalidValue("file", "(absent)", "is missing; send it as a part with a filename")


def takes_form(handler: Any) -> bool:
    """Whether the handler's body is a multipart form."""
    field = handler.parsed_data_field
    return field is not None and getattr(field.kwarg_definition, "media_type", None) == FORM


def decoded(body: bytes, kind: Any) -> Any:
    """`body` as `kind`.

    Raises:
        MalformedJson: it is no JSON, or not UTF-8.
        InvalidValue: it has another shape, is nested too deeply, or holds a NUL.
    """
    try:
        made = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        # The shape is looked at while reading: what follows may yet turn out to be no JSON at all.
        sent = decoded(body, Any)
        if (field := getattr(kind, "one_by_one", None)) and (made := _one_by_one(body, kind, field)):
            return made
        raise _misshapen(str(error), sent) from None
    except UnicodeDecodeError as error:
        raise MalformedJson(reason=f"It is not UTF-8 ({error.reason}).") from None
    except msgspec.DecodeError as error:
        raise MalformedJson(reason=f"{error}.") from None
    except RecursionError:
        raise InvalidValue("body", "…", "is nested too deeply") from None
    if b"u0000" in body and _NUL.search(body):  # the first is a hundredth of the second, and almost always enough
        raise InvalidValue("body", "\\u0000", "holds the letter NUL, which no text may have; leave it out")
    return made


def _one_by_one(body: bytes, kind: Any, field: str) -> Any:
    """The body of a kind whose list `field` is read item by item: what is wrong with one is told in its place alone.

    None where it is something else that is wrong.
    """
    try:
        parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        items = msgspec.json.decode(parts[field], type=list[msgspec.Raw])
        rest = msgspec.json.decode(json.dumps({**parts, field: []}), type=kind)
    except (KeyError, msgspec.MsgspecError):
        return None
    of = get_args(get_type_hints(kind)[field])[0]
    return msgspec.structs.replace(rest, **{field: [_item(bytes(item), of) for item in items]})


def _item(item: bytes, kind: Any) -> Any:
    try:
        return decoded(item, kind)
    except InvalidValue as refusal:
        return refusal


def _misshapen(message: str, sent: Any) -> InvalidValue:
    match = _AT.fullmatch(message)
    assert match is not None
    reason, path = match["reason"], (match["path"] or "").removeprefix(".")
    if of := _OF_FIELD.fullmatch(reason):
        field = f"{path}.{of['name']}" if path else of["name"]
        if of["what"] == "missing required":
            return InvalidValue(field, "(absent)", "is missing; send it")
        return InvalidValue(field, "(present)", "is not a field of this; leave it out")
    shown = "(hidden)" if _SECRET.search(path) else _value_at(sent, path)
    return InvalidValue(path or "body", shown, reason[:1].lower() + reason[1:])


def _value_at(value: Any, path: str) -> str:
    """What was sent at `lines[0].quantity`; three dots where that cannot be found again."""
    try:
        for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
            value = value[name] if name else cast(list[Any], value)[int(index)]
        return value if isinstance(value, str) else json.dumps(value).decode()
    except (LookupError, TypeError, ValueError, RecursionError):
        return "…"
