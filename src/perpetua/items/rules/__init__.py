"""Decisions about items, pure: barcodes, scans, units, and what a field may hold."""

from perpetua.items.rules.barcodes import check_digit, expand_upce, is_restricted, normalise_barcode
from perpetua.items.rules.fields import (
    clean_attributes,
    clean_code,
    clean_length,
    clean_name,
    clean_price,
    clean_sku,
    clean_text,
    clean_unit_code,
    clean_weight,
)
from perpetua.items.rules.scans import read_scan
from perpetua.items.rules.units import convert, in_unit, unit_is_sound

__all__ = [
    "check_digit",
    "clean_attributes",
    "clean_code",
    "clean_length",
    "clean_name",
    "clean_price",
    "clean_sku",
    "clean_text",
    "clean_unit_code",
    "clean_weight",
    "convert",
    "expand_upce",
    "in_unit",
    "is_restricted",
    "normalise_barcode",
    "read_scan",
    "unit_is_sound",
]
