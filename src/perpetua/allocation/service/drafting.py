"""From names to ids: what orders name, for many orders at once; what is wrong with one is told of that one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol
from uuid import uuid4

from perpetua.access.types import Actor
from perpetua.allocation import rules
from perpetua.allocation.store import Ground, Part, Seen
from perpetua.allocation.types import ChannelRules, Site, Sourcing, Wanted, WantedLine
from perpetua.items.types import VariantRef
from perpetua.kit.errors import InvalidValue, NotAllowed, Refusal
from perpetua.kit.quantity import exact_quantity
from perpetua.ledger.errors import InactiveItem
from perpetua.orders.errors import UnknownItems
from perpetua.orders.types import Customer, Fulfilment, PlaceOrder, ShipTo

__all__ = ["COMMAND", "Draft", "Drafts", "Request", "Terms", "draft_all", "find_variants", "parts_of", "want"]

COMMAND = "orders.place"


class Request(NamedTuple):
    """An order to take, and who sends it."""

    actor: Actor
    order: PlaceOrder
    key: str | None = None


class Draft(NamedTuple):
    """An order whose names are found, before it is decided."""

    actor_id: int
    order: PlaceOrder
    external_id: str
    body_hash: bytes
    customer: Customer | None
    site: Site | None
    variants: list[VariantRef]
    min_life_days: int
    wanted: Wanted


class Drafts(NamedTuple):
    """The orders that can be decided, by their place among the requests, and what the decision stands on."""

    ground: Ground
    orders: dict[int, Draft]


def draft_all(
    requests: Mapping[int, Request], hashes: Mapping[int, bytes], seen: Seen, now: datetime
) -> tuple[Drafts, dict[int, Refusal]]:
    """The orders with the names that were found; beside them the refusals of those with wrong names."""
    drafts, refused = dict[int, Draft](), dict[int, Refusal]()
    reach = Reach(seen.ground)
    for at, request in requests.items():
        try:
            drafts[at] = _draft(at, request, hashes[at], seen, reach, now)
        except Refusal as refusal:
            refused[at] = refusal
    return Drafts(seen.ground, drafts), refused


class Reach:
    """The sites that may send an order, best first. Of many orders, most may be sent from the same."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._known: dict[tuple[object, ...], tuple[int, ...]] = {}

    def __call__(self, terms: "Terms", scope: frozenset[int] | None) -> tuple[int, ...]:
        """Raises NotAllowed: none of them lies in the scope."""
        key = (terms.channel, terms.site_id, terms.ship_to, scope)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._sites(terms, scope)
        return known

    def _sites(self, terms: "Terms", scope: frozenset[int] | None) -> tuple[int, ...]:
        ground = self._ground
        of = ground.rules.channels.get(terms.channel, rules.NO_RULES)
        if terms.site_id is not None:
            sites = [site.id for site in ground.sites if site.id == terms.site_id]
        else:
            ranked = ground.rules.sites if of.sites is None else of.sites
            to = terms.ship_to
            near = (to.country, to.region, to.postcode) if _sourcing(of, ground) == "nearest" else None
            sites = [site.id for site in rules.rank_sites(ground.sites, ranked, near=near)]
        if scope is not None:
            sites = [site for site in sites if site in scope]
            if not sites:
                raise NotAllowed(permission="orders.write", location="the sites that sell")
        return tuple(sites)


def _draft(at: int, request: Request, body_hash: bytes, seen: Seen, reach: Reach, now: datetime) -> Draft:
    order, ground = request.order, seen.ground
    found = find_variants(order.lines, seen.variants)
    customer = seen.customers.get(order.customer.upper()) if order.customer else None
    if order.customer and (customer is None or not customer.active):
        raise InvalidValue("customer", order.customer, "is no active customer")
    of = ground.rules.channels.get(order.channel, rules.NO_RULES)
    tier = order.tier or (customer.tier if customer else None) or of.tier
    if order.tier is not None:
        _check_tier(order.tier, ground)
    site = _site(order.site, ground) if order.site else None
    asked_life = (order.min_life_days, customer.min_life_days if customer else None, of.min_life_days)
    min_life = next((days for days in asked_life if days is not None), ground.rules.min_life_days)
    lines = tuple(
        WantedLine(number, line.quantity, *parts_of(variant, ground.kits), variant.decimals)
        for number, (line, variant) in enumerate(zip(order.lines, found, strict=True), 1)
    )
    terms = Terms(
        channel=order.channel, tier=tier, fulfilment=order.fulfilment or of.fulfilment or ground.rules.fulfilment,
        site_id=site.id if site else None, ship_to=order.ship_to or ShipTo(), min_life_days=min_life,
        arrived=order.placed_at or now,
    )  # fmt: skip
    wanted = want(at, terms, lines, ground, now, scope=request.actor.scope, reach=reach)
    external_id = order.external_id or str(uuid4())
    return Draft(request.actor.person_id, order, external_id, body_hash, customer, site, found, min_life, wanted)


class Terms(NamedTuple):
    """How an order is to be met, whether it is new or waits."""

    channel: str
    tier: str | None
    fulfilment: Fulfilment
    site_id: int | None
    ship_to: ShipTo
    min_life_days: int
    arrived: datetime
    jumps: int = 0


def want(
    key: int, terms: Terms, lines: tuple[WantedLine, ...], ground: Ground, now: datetime, *,
    scope: frozenset[int] | None = None, reach: Reach | None = None,
) -> Wanted:  # fmt: skip
    """What an order wants, with the sites that may send it, best first. `reach` is one for many orders.

    Raises:
        NotAllowed: none of the sites lies in the scope.
    """
    sites = (reach or Reach(ground))(terms, scope)
    sourcing = _sourcing(ground.rules.channels.get(terms.channel, rules.NO_RULES), ground)
    lasts_until = now.date() + timedelta(days=terms.min_life_days) if terms.min_life_days else None
    return Wanted(
        key, terms.channel, terms.tier, terms.fulfilment, sites, sourcing, lasts_until, lines, terms.arrived,
        terms.jumps,
    )  # fmt: skip


def _sourcing(of: ChannelRules, ground: Ground) -> Sourcing:
    return of.sourcing or ground.rules.sourcing


def _check_tier(tier: str, ground: Ground) -> None:
    known = {one.code for one in ground.rules.tiers}
    if tier not in known:
        raise InvalidValue("tier", tier, f"is none of the rules' tiers: {', '.join(sorted(known)) or 'none'}")


def _site(code: str, ground: Ground) -> Site:
    site = next((one for one in ground.sites if one.code.upper() == code.upper()), None)
    if site is None:
        raise InvalidValue("site", code, "is no site that sells")
    return site


def parts_of(variant: VariantRef, kits: Mapping[int, list[Part]]) -> tuple[tuple[tuple[int, Decimal], ...], bool]:
    """What stock a line takes: the variant itself, or a kit's components; whether it is a kit."""
    parts = kits.get(variant.id)
    if parts is None:
        return ((variant.id, Decimal(1)),), False
    return tuple((part.variant_id, part.quantity) for part in parts), True


class Asked(Protocol):
    """A line that names an item and how much of it."""

    @property
    def sku(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...


def find_variants(lines: Sequence[Asked], variants: Mapping[str, VariantRef]) -> list[VariantRef]:
    """The lines' items, in their order.

    Raises:
        UnknownItems: SKUs that do not exist. InactiveItem: one that is no more.
        InvalidValue: a quantity that is finer than the item's unit.
    """
    unknown: list[dict[str, object]] = [
        {"line": number, "field": f"lines[{number - 1}].sku", "value": line.sku}
        for number, line in enumerate(lines, 1)
        if line.sku.upper() not in variants
    ]
    if unknown:
        raise UnknownItems(unknown)
    found = [variants[line.sku.upper()] for line in lines]
    for number, (line, variant) in enumerate(zip(lines, found, strict=True)):
        if not variant.active:
            raise InactiveItem(sku=variant.sku, line=number + 1)
        exact_quantity(line.quantity, f"lines[{number}].quantity", places=variant.decimals)
    return found
