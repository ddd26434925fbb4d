"""A fault inside a value or a code, before it is known where in the code as sent it lies."""

__all__ = ["Fault"]


class Fault(Exception):
    """`at`: the character within what was looked at, from 0. `kind` and `advice` as in `NotGs1`."""

    def __init__(
        self,
        reason: str,
        kind: str = "format",
        at: int = 0,
        *,
        advice: str = "",
        expected: str | None = None,
        ai: str | None = None,
        value: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason, self.kind, self.at, self.advice = reason, kind, at, advice
        self.expected, self.ai, self.value = expected, ai, value

    def within(self, ai: str, value: str, start: int) -> "Fault":
        """The same, as a fault of an element whose value starts there."""
        return Fault(
            self.reason, self.kind, start + self.at, advice=self.advice, expected=self.expected, ai=ai, value=value
        )
