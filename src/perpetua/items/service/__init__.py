"""Use cases of items: one public function, one transaction; and lookups for other words."""

from perpetua.items.rules import read_scan
from perpetua.items.service.barcodes import add_barcode, read_barcode, remove_barcode
from perpetua.items.service.bulk import create_missing, remove_unused
from perpetua.items.service.categories import (
    change_category,
    create_category,
    list_categories,
    read_category,
    remove_category,
)
from perpetua.items.service.category_paths import ensure_categories
from perpetua.items.service.images import MAX_IMAGE_BYTES, add_image, read_image, remove_image, remove_unheld_images
from perpetua.items.service.kits import set_components
from perpetua.items.service.listing import list_products
from perpetua.items.service.lookups import (
    Measured,
    forms_of_skus,
    resolve_barcodes,
    resolve_skus,
    to_base_units,
    variants_by_ids,
)
from perpetua.items.service.owners import change_owner, create_owner, list_owners, read_owner
from perpetua.items.service.products import (
    change_product,
    change_variant,
    create_product,
    create_products,
    read_product,
    read_variant,
)
from perpetua.items.service.search import Match, SearchFilters, SearchHit, refresh_vocabulary, search_variants
from perpetua.items.service.units import change_unit, create_unit, list_units, read_unit, remove_unit

__all__ = [
    "MAX_IMAGE_BYTES",
    "Match",
    "Measured",
    "SearchFilters",
    "SearchHit",
    "add_barcode",
    "add_image",
    "change_category",
    "change_owner",
    "change_product",
    "change_unit",
    "change_variant",
    "create_category",
    "create_missing",
    "create_owner",
    "create_product",
    "create_products",
    "create_unit",
    "ensure_categories",
    "forms_of_skus",
    "list_categories",
    "list_owners",
    "list_products",
    "list_units",
    "read_barcode",
    "read_category",
    "read_image",
    "read_owner",
    "read_product",
    "read_scan",
    "read_unit",
    "read_variant",
    "refresh_vocabulary",
    "remove_barcode",
    "remove_category",
    "remove_image",
    "remove_unheld_images",
    "remove_unit",
    "remove_unused",
    "resolve_barcodes",
    "resolve_skus",
    "search_variants",
    "set_components",
    "to_base_units",
    "variants_by_ids",
]
