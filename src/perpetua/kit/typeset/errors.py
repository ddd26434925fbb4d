"""What is wrong with a template."""

from perpetua.kit.errors import Refusal

__all__ = ["TemplateFault", "TooManyPapers"]


class TemplateFault(Refusal):
    """Facts: reason, line (of the template, from 1; None where it can't be said)."""

    status = 422
    code = "template_fault"
    title = "The template cannot be printed"
    sentence = "Line {line}: {reason}."
    remedy = "Correct the template."

    def __init__(self, reason: str, *, line: int | None) -> None:
        super().__init__(reason=reason[:500], line=line)

    @property
    def detail(self) -> str:
        """One sentence; without a line where none is known."""
        said = super().detail
        return said if self.facts["line"] is not None else said.removeprefix("Line None: ")


class TooManyPapers(Refusal):
    """More papers are asked for than are made at a time. Facts: waiting, retry_after_seconds."""

    status = 503
    code = "too_many_papers"
    title = "Too many papers at once"
    sentence = "{waiting} papers wait to be made already."
    remedy = "Try again in {retry_after_seconds} seconds."
