"""The door to labels: templates, and printing by them."""

from perpetua.labels.service.printing import preview, print_labels
from perpetua.labels.service.templates import (
    MOST_TEMPLATES,
    change_template,
    choices,
    get_template,
    list_templates,
    make_template,
    remove_template,
    restore_template,
)

__all__ = [
    "MOST_TEMPLATES",
    "change_template",
    "choices",
    "get_template",
    "list_templates",
    "make_template",
    "preview",
    "print_labels",
    "remove_template",
    "restore_template",
]
