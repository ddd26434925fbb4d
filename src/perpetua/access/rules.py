"""Decisions of access, pure."""

from collections.abc import Mapping
from typing import Any, Final, cast

__all__ = ["AuditDiff", "diff"]

HIDDEN: Final = "(hidden)"
_SECRET_WORDS: Final = ("password", "secret", "token", "recovery", "credential")
_COST_WORDS: Final = ("cost", "costs")

AuditDiff = tuple[dict[str, Any] | None, dict[str, Any] | None, list[str]]


def diff(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> AuditDiff:
    """What changed: the fields' old values, their new ones, and which of them are costs.

    None for `before` is a thing that was made, None for `after` one that was removed; then every field is told.
    A field that looks like a secret is told to have changed, never its value.
    """
    if before is None or after is None:
        names = list(before or after or {})
    else:
        names = [n for n in {**before, **after} if before.get(n) != after.get(n) or (n in before) != (n in after)]
    costs = sorted(n for n in names if any(_is_cost(n, side[n]) for side in (before, after) if side and n in side))
    return _side(before, names), _side(after, names), costs


def _side(values: Mapping[str, Any] | None, names: list[str]) -> dict[str, Any] | None:
    return None if values is None else {n: _without_secrets(n, values[n]) for n in names if n in values}


def _without_secrets(name: str, value: Any) -> Any:
    if any(word in name.lower() for word in _SECRET_WORDS):
        return HIDDEN
    if isinstance(value, dict):
        return {k: _without_secrets(k, v) for k, v in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_without_secrets("", v) for v in cast("list[Any]", value)]
    return value


def _is_cost(name: str, value: Any) -> bool:
    if any(word in name.lower().split("_") for word in _COST_WORDS):
        return True
    if isinstance(value, dict):
        return any(_is_cost(k, v) for k, v in cast("dict[str, Any]", value).items())
    return isinstance(value, list) and any(_is_cost("", v) for v in cast("list[Any]", value))
