"""The door to GS1: reading and building codes. These are pure functions; there is nothing to load or to record."""

from perpetua.gs1.rules.building import arrange, bracketed, digital_link, element_string, elements_of
from perpetua.gs1.rules.codes import COUNTRIES, CURRENCIES
from perpetua.gs1.rules.digits import check_digit, check_pair, make_sscc, whole_year, with_check_digit
from perpetua.gs1.rules.identifiers import IDENTIFIERS
from perpetua.gs1.rules.labels import label_data, label_elements
from perpetua.gs1.rules.reading import GS1_SYMBOLS, looks_like_gs1, parse

__all__ = [
    "COUNTRIES",
    "CURRENCIES",
    "GS1_SYMBOLS",
    "IDENTIFIERS",
    "arrange",
    "bracketed",
    "check_digit",
    "check_pair",
    "digital_link",
    "element_string",
    "elements_of",
    "label_data",
    "label_elements",
    "looks_like_gs1",
    "make_sscc",
    "parse",
    "whole_year",
    "with_check_digit",
]
