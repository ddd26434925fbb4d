"""Templates: read, made, changed, restored."""

from typing import Any, Final, get_args

import msgspec

from perpetua.access.service import audit
from perpetua.access.types import Actor
from perpetua.kit.clock import Clock, system_clock
from perpetua.kit.database import Database, Tx
from perpetua.kit.errors import Conflict, InvalidValue, Missing, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.labels import store
from perpetua.labels.errors import TemplateTaken
from perpetua.labels.rules.built_in import SHIPPED
from perpetua.labels.rules.checking import check_body, clean_code
from perpetua.labels.rules.laying import LEAST_MODULE_MM
from perpetua.labels.rules.sizes import SHEETS
from perpetua.labels.types import FIELDS, Choices, Kind, NewTemplate, SymbologyAsked, Template, TemplateBody

__all__ = [
    "MOST_TEMPLATES", "change_template", "choices", "get_template", "list_templates", "make_template",
    "remove_template", "restore_template", "template_of",
]  # fmt: skip

MOST_TEMPLATES: Final = 500
_FIRST_VERSION: Final = 1


async def list_templates(db: Database, actor: Actor, kind: Kind | None, page: PageRequest) -> Page[Template]:
    """Templates by code, of one kind or of all."""
    actor.require("labels.print")
    after = page.after(str)
    async with db.transaction() as tx:
        rows = await store.templates(tx)
    known = {code: _template(code, None) for code in SHIPPED} | {row.code: _template(row.code, row) for row in rows}
    found = [
        known[code]
        for code in sorted(known)
        if (kind is None or known[code].kind == kind) and (after is None or code > after[0])
    ]
    return page_of(found[: page.limit + 1], page, lambda one: [one.code])


async def get_template(db: Database, actor: Actor, code: str) -> Template:
    """One template.

    Raises:
        Missing: there is none of this code.
    """
    actor.require("labels.print")
    async with db.transaction() as tx:
        return await template_of(tx, code)


async def template_of(tx: Tx, code: str) -> Template:
    """One template, in the caller's transaction. Raises Missing."""
    small = _asked(code)
    row = await store.template(tx, small)
    if row is None and small not in SHIPPED:
        raise Missing("label template", code)
    return _template(small, row)


async def make_template(
    db: Database, actor: Actor, command: NewTemplate, *, key: str | None = None, clock: Clock = system_clock
) -> Answered[Template]:
    """A new template.

    Raises:
        InvalidValue, NoRoom: names the field.
        TemplateTaken: there is one of this code.
        Conflict: there are too many.
    """
    actor.require("labels.configure")
    code, body = clean_code(command.code), _body(command)
    check_body(body, today=clock().date())

    async def act(tx: Tx) -> Template:
        if code in SHIPPED:
            raise TemplateTaken(template=code)
        if await store.count_templates(tx) >= MOST_TEMPLATES:
            raise Conflict(reason=f"There are {MOST_TEMPLATES} templates; remove one first.", limit=MOST_TEMPLATES)
        row = await store.make_template(tx, actor, code, body)
        if row is None:
            raise TemplateTaken(template=code)
        await audit(tx, actor, "label_template", code, "created", None, body)
        return _template(code, row)

    return await once(
        db, sender=actor.person_id, key=key, command="labels.make", body=command, answer=Template, act=act
    )


async def change_template(
    db: Database,
    actor: Actor,
    code: str,
    body: TemplateBody,
    *,
    version: int,
    key: str | None = None,
    clock: Clock = system_clock,
) -> Answered[Template]:
    """The next version of a template.

    Raises:
        Missing, Stale: there is none, or it was changed since `version`.
        InvalidValue, NoRoom: names the field; its kind stays what it is.
    """
    actor.require("labels.configure")
    check_body(body, today=clock().date())

    async def act(tx: Tx) -> Template:
        before = await _held(tx, actor, code, version)
        if body.kind != before.kind:
            raise InvalidValue("kind", body.kind, f"stays {before.kind}; make another template")
        row = await store.write_template(tx, actor, before.code, body)
        await audit(tx, actor, "label_template", before.code, "updated", _body(before), body)
        return _template(row.code, row)

    asked = [code, version, body]
    return await once(
        db, sender=actor.person_id, key=key, command="labels.change", body=asked, answer=Template, act=act
    )


async def restore_template(
    db: Database, actor: Actor, code: str, *, version: int, key: str | None = None
) -> Answered[Template]:
    """A template that came with the program, as it came.

    Raises:
        Missing, Stale: there is none, or it was changed since `version`.
        Conflict: it is one of your own.
    """
    actor.require("labels.configure")

    async def act(tx: Tx) -> Template:
        before = await _held(tx, actor, code, version)
        if not before.shipped:
            raise Conflict(reason=f"{before.code} did not come with the program: there is nothing to restore.")
        if not before.changed:
            return before
        row = await store.write_template(tx, actor, before.code, None)
        after = _template(row.code, row)
        await audit(tx, actor, "label_template", before.code, "restored", _body(before), _body(after))
        return after

    return await once(
        db, sender=actor.person_id, key=key, command="labels.restore", body=[code, version], answer=Template, act=act
    )


async def remove_template(db: Database, actor: Actor, code: str, *, version: int) -> None:
    """Forget a template of one's own.

    Raises:
        Missing, Stale: there is none, or it was changed since `version`.
        Conflict: it came with the program.
    """
    actor.require("labels.configure")

    async def act(tx: Tx) -> None:
        before = await _held(tx, actor, code, version)
        if before.shipped:
            raise Conflict(reason=f"{before.code} comes with the program: restore it instead.")
        await store.remove_template(tx, before.code)
        await audit(tx, actor, "label_template", before.code, "removed", _body(before), None)

    await db.run(act)


def choices(actor: Actor) -> Choices:
    """What templates can be made of: sheets, fields, symbologies."""
    actor.require("labels.print")
    return Choices(
        sheets=SHEETS,
        fields={kind: list(fields) for kind, fields in FIELDS.items()},
        symbologies=list(get_args(SymbologyAsked)),
        least_module_mm=LEAST_MODULE_MM,
    )


async def _held(tx: Tx, actor: Actor, code: str, version: int) -> Template:
    """The template, locked, at the version that the change was made against."""
    small = _asked(code)
    row = await (store.hold_template(tx, actor, small) if small in SHIPPED else store.lock_template(tx, small))
    if row is None:
        raise Missing("label template", code)
    if row.version != version:
        raise Stale(what="label template", key=small, sent=version, current=row.version)
    return _template(small, row)


def _asked(code: str) -> str:
    """The code as it would be kept; what could not be kept is not there."""
    try:
        return clean_code(code)
    except InvalidValue:
        raise Missing("label template", code) from None


def _template(code: str, row: store.Stored | None) -> Template:
    """A template out of its row, and of what the program ships."""
    if row is None or row.name is None:
        shipped = msgspec.structs.asdict(SHIPPED[code])
        version, at = (_FIRST_VERSION, None) if row is None else (row.version, row.updated_at)
        return Template(**shipped, code=code, shipped=True, changed=False, version=version, updated_at=at)
    held: dict[str, Any] = {"name": row.name, "kind": row.kind, "size": row.size, "elements": row.body}
    body = msgspec.convert(held, TemplateBody)
    return Template(
        **msgspec.structs.asdict(body),
        code=code,
        shipped=code in SHIPPED,
        changed=code in SHIPPED,
        version=row.version,
        updated_at=row.updated_at,
    )


def _body(of: TemplateBody) -> TemplateBody:
    """Only what a template says."""
    return TemplateBody(name=of.name, kind=of.kind, size=of.size, elements=of.elements)
