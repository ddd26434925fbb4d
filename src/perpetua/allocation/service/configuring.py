"""The rules of allocation: read, changed (each change is a version), and held against what came true."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

import msgspec

from perpetua.access.types import SYSTEM, Actor
from perpetua.allocation import store
from perpetua.allocation.service.filling import fill
from perpetua.allocation.types import RuleChange, Rules, RulesVersion, ServiceLevel, SetRules, Site
from perpetua.kit import json
from perpetua.kit.clock import Clock, bounded, system_clock
from perpetua.kit.database import Database, Queries, Tx
from perpetua.kit.errors import InvalidValue, Missing, Stale
from perpetua.kit.idempotency import Answered, once
from perpetua.kit.jobs import defer
from perpetua.kit.listing import Page, PageRequest, page_of
from perpetua.kit.quantity import exact_quantity

__all__ = ["Q", "get_rules", "list_rules", "refill", "rules_at", "service_levels", "set_rules", "try_rules"]

Q = Queries(store.__file__, "telling.sql")
MOST: Final = 1_000
"""Tiers, channels and sites in a list."""
AT_ONCE: Final = 50
"""Items that are looked after in one transaction."""
USUAL_DAYS: Final = 30


async def get_rules(db: Database, actor: Actor, version: int | None = None) -> RulesVersion:
    """The rules as they are, or as they were at a version.

    Raises:
        Missing: there is no such version.
    """
    actor.require("orders.read")
    async with db.transaction() as tx:
        found = await rules_at(tx, version)
    if found is None:
        raise Missing("version of the rules", version)
    return found


async def list_rules(db: Database, actor: Actor, page: PageRequest) -> Page[RulesVersion]:
    """All versions of the rules, the newest first."""
    actor.require("orders.read")
    after = page.after(int)
    params = {"after": after[0] if after else None, "version": None, "limit": page.limit + 1}
    async with db.transaction() as tx:
        found = [_version(row) for row in await tx.dicts(Q["rules_versions"], params)]
    return page_of(found, page, lambda one: [one.version])


async def set_rules(
    db: Database, actor: Actor, command: SetRules, *, version: int, key: str | None = None
) -> Answered[RulesVersion]:
    """Make a new version of the rules; every decision from now on goes by it, and those who wait are looked at again.

    Raises:
        Stale: they were changed since `version`.
        InvalidValue: names the field.
    """
    actor.require("allocation.configure")
    _check_note(command.note)

    async def act(tx: Tx) -> RulesVersion:
        await tx.value(Q["lock_rules"])
        rules, _ = await _could_be(tx, command.rules, version)
        params = {"rules": json.dumps(rules).decode(), "note": command.note, "actor_id": actor.person_id}
        made = await rules_at(tx, await tx.value(Q["set_rules"], params))
        assert made is not None
        await defer(tx, "allocation:refill", unless_queued=True)
        return made

    body = [version, command]
    return await once(
        db, sender=actor.person_id, key=key, command="allocation.set_rules", body=body, answer=RulesVersion, act=act
    )


async def try_rules(db: Database, actor: Actor, command: SetRules, *, version: int) -> list[RuleChange]:
    """What would be different by these rules, field by field; nothing is changed.

    Raises:
        Stale, InvalidValue: as `set_rules`.
    """
    actor.require("allocation.configure")
    _check_note(command.note)
    async with db.snapshot() as tx:
        after, before = await _could_be(tx, command.rules, version)
    was, will = _leaves(before), _leaves(after)
    return [
        RuleChange(field=field, before=was.get(field), after=will.get(field))
        for field in sorted(was.keys() | will.keys()) if was.get(field) != will.get(field)
    ]  # fmt: skip


async def _could_be(tx: Tx, asked: Rules, version: int) -> tuple[Rules, Rules]:
    """The rules as they would be kept, and as they are at `version`, which must be the newest."""
    ground = await store.ground(tx)
    if ground.version != version:
        raise Stale(what="allocation rules", key="", sent=version, current=ground.version)
    return _checked(asked, ground.sites), ground.rules


def _check_note(note: str | None) -> None:
    if note is not None and not 0 < len(note.strip()) <= 500:
        raise InvalidValue("note", note, "must have 1 to 500 characters, or be left out")


def _leaves(rules: Rules) -> dict[str, str]:
    """The rules' values by their paths; tiers by their codes."""
    told: dict[str, Any] = json.plain(rules)
    told["tiers"] = {tier.pop("code"): tier for tier in told["tiers"]}
    found: dict[str, str] = {}

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in cast(dict[str, Any], value).items():
                walk(f"{path}.{name}" if path else name, inner)
        elif value is not None:
            found[path] = ", ".join(cast(list[str], value)) if isinstance(value, list) else str(value)

    walk("", told)
    return found


async def service_levels(
    db: Database, actor: Actor, *, since: datetime | None = None, clock: Clock = system_clock
) -> list[ServiceLevel]:
    """By channel and tier: the share of lines allocated at once (of the last 30 days), beside the tier's target."""
    actor.require("orders.read")
    asked = {"since": bounded(since, "since") if since else clock() - timedelta(days=USUAL_DAYS)}
    async with db.snapshot() as tx:
        targets = {tier.code: tier.service_level for tier in (await store.ground(tx)).rules.tiers}
        rows = await tx.dicts(Q["service_levels"], asked)
    return [ServiceLevel(**row, target=targets.get(row["tier"])) for row in rows]


async def refill(db: Database, *, clock: Clock = system_clock) -> int:
    """Give what is free to whoever waits, wherever it is; how many lines got some.

    Goods that come are given at once, without this. It is for what makes stock free otherwise: new rules, a lot that is
    no more blocked, a site that sells again.
    """
    async with db.transaction() as tx:
        waited_for: Sequence[int] = await tx.values(Q["waiting_variants"])
    filled = 0
    for first in range(0, len(waited_for), AT_ONCE):
        some = waited_for[first : first + AT_ONCE]

        async def act(tx: Tx, some: Sequence[int] = some) -> int:
            now = clock()
            sites = [site.id for site in (await store.ground(tx)).sites]
            await store.lock_to_fill(tx, some, sites)
            found = await store.lock(tx, some, sites, with_lots=(), sharing=(), today=now.date())
            free = {
                key for key, one in found.items() if one.on_hand - one.unsellable > one.allocated + one.reserved
            }  # fmt: skip
            return await fill(tx, SYSTEM.person_id, free, now, reason="it was free")

        filled += await db.run(act)
    return filled


async def rules_at(tx: Tx, version: int | None) -> RulesVersion | None:
    """The rules at a version; the newest without one."""
    rows = await tx.dicts(Q["rules_versions"], {"after": None, "version": version, "limit": 1})
    return _version(rows[0]) if rows else None


def _version(row: dict[str, Any]) -> RulesVersion:
    rules = msgspec.convert(row.pop("rules"), Rules, strict=False)
    return RulesVersion(**row, rules=rules)


def _checked(rules: Rules, sites: Sequence[Site]) -> Rules:
    """The rules, when they can be kept; sites as they are written.

    Raises:
        InvalidValue: names the field.
    """
    known = {site.code.upper(): site.code for site in sites}
    codes = set[str]()
    ranks = set[int]()
    for field, size in (("tiers", len(rules.tiers)), ("channels", len(rules.channels))):
        if size > MOST:
            raise InvalidValue(f"rules.{field}", str(size), f"are at most {MOST}")
    for at, tier in enumerate(rules.tiers):
        field = f"rules.tiers[{at}]"
        _name(f"{field}.code", tier.code)
        if tier.code in codes:
            raise InvalidValue(f"{field}.code", tier.code, "is there twice")
        if not 1 <= tier.rank <= MOST or tier.rank in ranks:
            raise InvalidValue(f"{field}.rank", tier.rank, f"must be 1 to {MOST}, and each tier's own")
        codes.add(tier.code)
        ranks.add(tier.rank)
        _between(f"{field}.hold_percent", tier.hold_percent, 100)
        _between(f"{field}.service_level", tier.service_level, 1)
    if (held := sum(tier.hold_percent for tier in rules.tiers)) > 100:
        raise InvalidValue("rules.tiers", str(held), "hold back more than 100 percent together")
    channels: dict[str, Any] = {}
    for name, channel in rules.channels.items():
        field = f"rules.channels.{name}"
        _name("rules.channels", name)
        if exact_quantity(channel.buffer_units, f"{field}.buffer_units") < 0:
            raise InvalidValue(f"{field}.buffer_units", str(channel.buffer_units), "must not be below 0")
        _between(f"{field}.buffer_percent", channel.buffer_percent, 100)
        _between(f"{field}.share_percent", channel.share_percent, 100)
        if channel.tier is not None and channel.tier not in codes:
            raise InvalidValue(f"{field}.tier", channel.tier, "is none of the tiers")
        _life(f"{field}.min_life_days", channel.min_life_days)
        if channel.sites is not None and not channel.sites:
            raise InvalidValue(f"{field}.sites", "[]", "names no site; leave it out for all")
        listed = None if channel.sites is None else _sites(f"{field}.sites", channel.sites, known)
        channels[name] = msgspec.structs.replace(channel, sites=listed)
    _life("rules.min_life_days", rules.min_life_days)
    return msgspec.structs.replace(rules, channels=channels, sites=_sites("rules.sites", rules.sites, known))


def _sites(field: str, asked: Sequence[str], known: Mapping[str, str]) -> list[str]:
    for at, code in enumerate(asked):
        if code.upper() not in known:
            raise InvalidValue(f"{field}[{at}]", code, "is no site that sells")
    kept = [known[code.upper()] for code in asked]
    if len(set(kept)) < len(kept):
        raise InvalidValue(field, ", ".join(kept)[:100], "names a site twice")
    return kept


def _name(field: str, value: str) -> None:
    if not 0 < len(value) <= 60 or not value.isprintable() or value != value.strip():
        raise InvalidValue(field, value, "must have 1 to 60 printable characters, no blanks at its ends")


def _between(field: str, value: Decimal | None, most: int) -> None:
    if value is not None and not 0 <= exact_quantity(value, field) <= most:
        raise InvalidValue(field, str(value), f"must be 0 to {most}")


def _life(field: str, value: int | None) -> None:
    if value is not None and not 0 <= value <= 3650:
        raise InvalidValue(field, value, "must be 0 to 3650")
