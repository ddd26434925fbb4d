"""What the import engine refuses."""

from perpetua.kit.errors import Conflict, InvalidValue

__all__ = ["AlreadyImported", "CannotUndo", "FileChanged", "NotResumable", "RunElsewhere", "UnknownColumns"]


class AlreadyImported(Conflict):
    """These very files went in before. Facts: import_id, kind, state, at."""

    code = "already_imported"
    title = "These files went in before"
    sentence = "Import {import_id} ({state}) has the same content."
    remedy = "Resume or undo that one, or say that you mean it again."


class FileChanged(Conflict):
    """A resumed import's file is not the one it began with. Facts: file."""

    code = "file_changed"
    title = "The file is not the one the import began with"
    sentence = "{file} has other content than when import {import_id} began."
    remedy = "Give the old file, or undo the import and begin a new one."


class NotResumable(Conflict):
    """The import is at its end. Facts: import_id, state."""

    code = "not_resumable"
    title = "There is nothing to resume"
    sentence = "Import {import_id} is {state}."


class RunElsewhere(Conflict):
    """Another process is at this import now. Facts: import_id."""

    code = "run_elsewhere"
    title = "The import is being run elsewhere"
    sentence = "Import {import_id} moved on while this run was at it."
    remedy = "Follow its progress instead."


class CannotUndo(Conflict):
    """Something came to depend on what the import made. Facts: import_id, reason, in_the_way."""

    code = "cannot_undo"
    title = "The import cannot be undone"
    sentence = "Import {import_id}: {reason}"


class UnknownColumns(InvalidValue):
    """The header does not fit. Facts: field, value, reason, columns (those of the file), fields (those of the kind)."""

    code = "columns_do_not_fit"
    title = "The columns do not fit"
