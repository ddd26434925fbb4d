"""What is to be expected of a supplier's lead time for an item, from few observations.

Partial pooling by hierarchical credibility. A lead time is the mean of its item at its supplier, plus what varies from
order to order (variance s2); items' means vary about their supplier's (t2), suppliers' about that of all (w2). With
n own rows the item's mean counts by Z = n / (n + s2/t2), the rest is the supplier's; that in turn counts by
U = w2 / (w2 + v), where v = t2·sum(n²)/N² + s2/N is the variance of its mean, the rest is all others'. The three
variances are those of the unbalanced nested analysis of variance, from all rows.

Sources: H. Bühlmann and A. Gisler, A Course in Credibility Theory and its Applications (2005), chapters 4
(Bühlmann-Straub) and 6 (hierarchical, after W. Jewell 1975); S. Searle, G. Casella, C. McCulloch, Variance
Components (1992), section 3.7. Quantiles are averaged with the same weights (Vincent averaging: R. Ratcliff,
Psychological Bulletin 86, 1979).
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from perpetua.kit.quantity import ZERO, plain
from perpetua.purchasing.types.lead_times import (
    Expected,
    LeadTimeConfidence,
    Observed,
    Quantiles,
    Spread,
    Structure,
)

__all__ = ["MOST_PRIOR", "Variances", "confidence", "variances"]

ONE: Final = Decimal(1)
MOST_PRIOR: Final = Decimal(50)
"""So many own rows always weigh as much as the supplier's mean, however alike items seemed so far: t2 >= s2/50."""
Z90: Final = Decimal("1.645")
"""Of the normal distribution: 90 in a hundred lie within so many deviations."""
LATE_PRIOR: Final = Decimal(10)
"""The share that is late among all counts like so many orders of a supplier; the supplier's, like so many of an
item."""


class Variances(NamedTuple):
    """From order to order (`within`), between a supplier's items, between suppliers; in days squared."""

    within: Decimal
    items: Decimal
    suppliers: Decimal


def variances(of: Structure) -> Variances:
    """The variances that all rows tell, never below nothing; those between are never so small that own rows would not
    count in the end (see MOST_PRIOR)."""
    free = of.n - of.items
    within = of.within / free if free > 0 else ZERO
    spread = of.n - of.squares_per_supplier
    items = (of.between_items - within * (of.items - of.suppliers)) / spread if spread > 0 else ZERO
    # Where no item has two rows, what differs between items is taken for what differs from order to order.
    if free <= 0:
        within = of.between_items / (of.items - of.suppliers) if of.items > of.suppliers else ZERO
        items = ZERO
    items = max(items, within / MOST_PRIOR, ZERO)
    apart = of.n - of.supplier_squares
    sellers = ZERO
    if apart > 0:
        nested = of.squares_per_supplier - of.squares_per_all
        sellers = (of.between_suppliers - within * (of.suppliers - 1) - items * nested) / apart
    return Variances(within, items, max(sellers, items / MOST_PRIOR, ZERO))


def confidence(of: Spread, everybody: Structure, known: Variances) -> LeadTimeConfidence:
    """What is to be expected of the item, and how sure that is."""
    expected = None if not everybody.n else _expected(of, everybody, known)
    return LeadTimeConfidence(
        supplier_id=of.supplier_id, supplier=of.supplier, variant_id=of.variant_id, sku=of.sku,
        stated_days=of.stated_days,
        n=int(of.n), supplier_n=int(of.supplier_n), observed=_observed(of), expected=expected,
    )  # fmt: skip


def _expected(of: Spread, everybody: Structure, known: Variances) -> Expected:
    own = _share(of.n, known.within, known.items)
    unsure = _of_supplier(of, known)
    seller = ZERO if unsure is None else _weight(known.suppliers, unsure)
    weights = (own, (ONE - own) * seller, (ONE - own) * (ONE - seller))
    mean = _mixed(weights, of.mean, of.supplier_mean, everybody.mean)
    # What is not known of the item's mean: t2 of what is not its own, and what is not known of its supplier's mean.
    left = known.suppliers if unsure is None else (ONE - seller) * known.suppliers
    unknown = (ONE - own) * known.items + (ONE - own) ** 2 * left
    error = unknown.sqrt()
    own_variance = of.variance if of.n > 1 and of.variance is not None else known.within
    free = max(of.n - 1, ZERO)
    spread = (free * own_variance + 4 * known.within) / (free + 4)
    every = everybody.quantiles or [everybody.mean] * 4
    quantiles = [
        _mixed(weights, *three)
        for three in zip(of.quantiles or [None] * 4, of.supplier_quantiles or [None] * 4, every, strict=True)
    ]
    return Expected(
        mean_days=_days(mean), low_days=_days(max(mean - Z90 * error, ZERO)), high_days=_days(mean + Z90 * error),
        deviation_days=_days((spread + unknown).sqrt()), quantiles=_quantiles(quantiles),
        late_share=_late(of, everybody), own_weight=_weighed(own), supplier_weight=_weighed(weights[1]),
        others_weight=ONE - _weighed(own) - _weighed(weights[1]),
        effective_n=_days(known.within / unknown if unknown else of.n),
    )  # fmt: skip


def _share(n: Decimal, within: Decimal, between: Decimal) -> Decimal:
    """n / (n + within/between); where nothing varies, as if they were 50 to 1."""
    return n / (n + (within / between if between else MOST_PRIOR)) if n else ZERO


def _of_supplier(of: Spread, known: Variances) -> Decimal | None:
    """The variance of the supplier's mean; None: nothing of theirs ever came."""
    if not of.supplier_n:
        return None
    return known.items * of.supplier_squares / of.supplier_n**2 + known.within / of.supplier_n


def _weight(between: Decimal, unsure: Decimal) -> Decimal:
    return between / (between + unsure) if between + unsure else ONE


def _mixed(weights: tuple[Decimal, ...], *values: Decimal | None) -> Decimal:
    return sum((weight * value for weight, value in zip(weights, values, strict=True) if value is not None), ZERO)


def _late(of: Spread, everybody: Structure) -> Decimal | None:
    """The share that is late: own counts beside so many of the supplier's, those beside so many of all."""
    if not everybody.due:
        return None
    seller = (of.supplier_late + LATE_PRIOR * everybody.late / everybody.due) / (of.supplier_due + LATE_PRIOR)
    return _weighed((of.late + LATE_PRIOR * seller) / (of.due + LATE_PRIOR))


def _observed(of: Spread) -> Observed | None:
    if of.mean is None or of.quantiles is None:
        return None
    deviation = of.variance.sqrt() if of.variance is not None and of.n > 1 else None
    return Observed(
        mean_days=_days(of.mean), deviation_days=None if deviation is None else _days(deviation),
        quantiles=_quantiles(of.quantiles), late_share=_weighed(of.late / of.due) if of.due else None,
    )  # fmt: skip


def _quantiles(values: list[Decimal]) -> Quantiles:
    p50, p80, p90, p95 = (_days(value) for value in values)
    return Quantiles(p50=p50, p80=p80, p90=p90, p95=p95)


def _days(value: Decimal) -> Decimal:
    return plain(value.quantize(Decimal("0.01"), ROUND_HALF_UP))


def _weighed(value: Decimal) -> Decimal:
    return plain(value.quantize(Decimal("0.0001"), ROUND_HALF_UP))
