"""Refusals: what the system says when it will not do what it was asked.

Always true:
- A refusal carries facts (what was asked, what is there, what to do), never only a sentence.
- Its public attributes are those facts; they are what an HTTP problem, a CLI message and a bad row's reason show.
- A fact never holds a secret, a password or a cost price.
"""

from typing import Any, ClassVar

__all__ = [
    "Conflict", "InvalidValue", "Missing", "NotAllowed", "Refusal", "Stale", "TooLarge", "Unauthenticated",
    "VersionNeeded",
]  # fmt: skip


class Refusal(Exception):
    """Base of all refusals. Subclass per word in its `errors.py`; give `code`, `status`, `title` and facts.

    Facts are passed as keywords and become attributes: `NotEnoughStock(sku="A", asked=Decimal(3), on_hand=Decimal(1))`.
    """

    status: ClassVar[int] = 422
    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "Refused"
    sentence: ClassVar[str] = ""
    """A template over the facts, e.g. "{sku}: asked {asked}, on hand {on_hand}"."""
    remedy: ClassVar[str] = ""
    """What the reader can do about it; a template over the facts."""

    def __init__(self, **facts: Any) -> None:
        self.facts: dict[str, Any] = facts
        super().__init__(self.detail)

    def __getattr__(self, name: str) -> Any:
        facts = self.__dict__.get("facts", {})
        if name in facts:
            return facts[name]
        raise AttributeError(name)

    @property
    def detail(self) -> str:
        """One sentence for a person."""
        said = self.sentence.format_map(_Facts(self.facts)) if self.sentence else self.title
        todo = self.remedy.format_map(_Facts(self.facts)) if self.remedy else ""
        return f"{said} {todo}".strip()


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


class InvalidValue(Refusal):
    """A field's value that cannot be taken. Facts: field, value (shortened), reason, and what to send instead."""

    status = 422
    code = "invalid_value"
    title = "A value cannot be taken"
    sentence = "{field}: {reason}"

    def __init__(self, field: str, value: object, reason: str, **facts: Any) -> None:
        shown = value if isinstance(value, str) else repr(value)
        super().__init__(field=field, value=shown[:120], reason=reason, **facts)


class Missing(Refusal):
    """Something named does not exist (or is not for this reader to see). Facts: what, key."""

    status = 404
    code = "not_found"
    title = "Not found"
    sentence = "There is no {what} {key}."

    def __init__(self, what: str, key: object, **facts: Any) -> None:
        super().__init__(what=what, key=str(key)[:120], **facts)


class Conflict(Refusal):
    """The state of things does not allow it now."""

    status = 409
    code = "conflict"
    title = "Conflict with what is there"
    sentence = "{reason}"


class NotAllowed(Refusal):
    """Signed in, but without the right. Facts: permission, or location."""

    status = 403
    code = "not_allowed"
    title = "Not allowed"
    sentence = "This needs the permission {permission}."
    remedy = "Ask an administrator."


class Unauthenticated(Refusal):
    """Nobody is signed in, or the session or token is no longer good."""

    status = 401
    code = "unauthenticated"
    title = "Sign in first"
    sentence = "{reason}"


class TooLarge(Refusal):
    """More than is taken in one go. Facts: limit, and how to split."""

    status = 413
    code = "too_large"
    title = "Too large"
    sentence = "{reason}"


class Stale(Refusal):
    """What is to be changed was changed by another since it was read. Facts: what, key, sent, current."""

    status = 412
    code = "stale_version"
    title = "Changed since you read it"
    sentence = "{what} {key} is at version {current}; you sent version {sent}."
    remedy = "Read it again, and send your change with its new version."


class VersionNeeded(Refusal):
    """A change of something that people edit must say which version it was made against."""

    status = 428
    code = "version_needed"
    title = "Say which version you change"
    sentence = "This change needs the header If-Match with the version that you read."
    remedy = "Read it first; send its ETag as If-Match."
