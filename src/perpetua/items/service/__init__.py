"""Use cases of items: one public function, one transaction; and lookups for other words."""

from perpetua.items.rules import read_scan
from perpetua.items.service.bulk import create_missing, remove_unused
from perpetua.items.service.lookups import resolve_barcodes, resolve_skus, to_base_unit, variants_by_ids
from perpetua.items.service.products import change_product, change_variant, create_product, read_product, read_variant
from perpetua.items.service.search import Match, SearchFilters, SearchHit, refresh_vocabulary, search_variants

__all__ = [
    "Match",
    "SearchFilters",
    "SearchHit",
    "change_product",
    "change_variant",
    "create_missing",
    "create_product",
    "read_product",
    "read_scan",
    "read_variant",
    "refresh_vocabulary",
    "remove_unused",
    "resolve_barcodes",
    "resolve_skus",
    "search_variants",
    "to_base_unit",
    "variants_by_ids",
]
