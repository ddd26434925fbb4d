"""Pairs of identifiers: what must stand with what, and what must not. Source: the dictionary's `req` and `ex`."""

from collections.abc import Sequence

from perpetua.gs1.rules.identifiers import IDENTIFIERS, matches
from perpetua.gs1.types import Finding

__all__ = ["findings"]


def findings(ais: Sequence[str]) -> list[Finding]:
    """What is missing beside these identifiers, and what must not be there."""
    found: list[Finding] = []
    for ai in ais:
        identifier = IDENTIFIERS[ai]
        for rule in identifier.requires:
            if not any(all(_held(pattern, ai, ais) for pattern in group) for group in rule):
                wanted = " or ".join(" with ".join(f"({pattern})" for pattern in group) for group in rule)
                text = f"({ai}) {identifier.title} stands beside {wanted}"
                found.append(Finding(ai=ai, rule="requires", with_=tuple("+".join(group) for group in rule), text=text))
        wrong = tuple(other for other in ais if other != ai and any(matches(one, other) for one in identifier.excludes))
        if wrong:
            text = f"({ai}) {identifier.title} can't stand beside {', '.join(f'({other})' for other in wrong)}"
            found.append(Finding(ai=ai, rule="excludes", with_=wrong, text=text))
    return found


def _held(pattern: str, ai: str, ais: Sequence[str]) -> bool:
    return any(other != ai and matches(pattern, other) for other in ais)
