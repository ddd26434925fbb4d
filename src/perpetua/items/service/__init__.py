"""Use cases of items: one public function, one transaction; and lookups for other words."""

from perpetua.items.service.lookups import resolve_barcodes, resolve_skus, to_base_unit, variants_by_ids

__all__ = ["resolve_barcodes", "resolve_skus", "to_base_unit", "variants_by_ids"]
