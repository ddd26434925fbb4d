"""Bulk import: rows of files become commands of a word, chunk by chunk.

Always true:
- A chunk is one transaction that does its work and advances the import's position: killed at any instant and resumed,
  each row has its effect once. A resumed run checks the files' hashes and goes on at the row where it stopped.
- Good rows are kept; each bad one is reported with file, line, field, value and reason, and counted.
- A dry run tells the same good and bad rows as a real one, and keeps nothing but that report.
- Two that run one import at once: the later one takes over, the other stops (`RunElsewhere`); nothing is done twice.
- Where a kind is not `repeatable`, the same files go in once (`AlreadyImported`), unless the sender says `again`.
- An undo is whole or nothing; killed in the midst, it is done again from the start by whoever asks next.
- What an import may undo is written down in the chunk's own transaction, before it is changed.
- Memory is bounded by two chunks, whatever the files' size.

How a word takes part. It writes a `Kind` in its `imports.py`:

    fields   what a row may hold: name, synonyms of its column's title, required or not, parser of the text. A field
             "attr:*" takes all columns whose title begins with "attr:"; `many` lets several columns feed one field.
    check    before anything is written: raise a Refusal where actor, columns or options do not fit.
    prepare  once, in the transaction that starts the import: may read all rows (`run.chunks()`) to find out what must
             be known first (opening receipts, say); what it returns (plain JSON) is `run.prepared` from then on, in
             resumed runs too. It may also write: that is done once, together with its result.
    apply    one chunk in the chunk's transaction: a constant number of statements, however many rows. Returns the bad
             rows (`BadRow`) and counters, which are added up over all chunks into the import's summary. When it raises
             a Refusal or the database refuses the data, the engine halves the chunk inside savepoints until the bad row
             is alone; so raise freely, but find the common faults by set and return them.
             It writes what undo will need by `run.remember(tx, what, ids, before)`.
    finish   once, in the transaction that ends the import.
    undo     the whole import in one transaction, reading `remembered(tx, id)`; a Refusal names what stands in the way.
             It tells how far it is by `await tell(done, total)`, in whatever it counts.

`run.cache` is the kind's own dictionary for the length of a run (codes to ids, say). It is emptied whenever a
transaction or savepoint is rolled back, so what it holds is committed or belongs to the open chunk; it is empty at
first in a resumed run. `run.memory` is for what depends on the files alone, and lives as long as the run.

Rows reach `apply` as `Parsed`: `values` has each field that has a column and whose text is not blank, parsed; a blank
required field or a parser's `InvalidValue` makes the row bad before `apply` sees it. Every `BadRow` names its row by
the `Parsed`'s `place`. A dry run calls `prepare`, `apply` and `finish` as a real run does, in one transaction that is
rolled back: it holds its locks until the end.
"""

from perpetua.kit.imports.cells import number, yes_or_no
from perpetua.kit.imports.documents import Gathered, Whereabouts, no_half, whereabouts
from perpetua.kit.imports.engine import begin, fail, fail_undo, resume, submit, submit_undo, undo
from perpetua.kit.imports.errors import AlreadyImported, CannotUndo, FileChanged, NotResumable, RunElsewhere
from perpetua.kit.imports.reading import bad_row
from perpetua.kit.imports.store import (
    ImportError_,
    errors_of,
    get_import,
    list_imports,
    remembered,
    sender_of,
    stream_errors,
    undo_sender_of,
)
from perpetua.kit.imports.types import (
    BadRow,
    Chunk,
    ChunkResult,
    Field,
    Import,
    ImportOptions,
    Kind,
    Parsed,
    Place,
    Progress,
    Remembered,
    Run,
    Sender,
    Source,
    Tell,
    text,
)

__all__ = [
    "AlreadyImported",
    "BadRow",
    "CannotUndo",
    "Chunk",
    "ChunkResult",
    "Field",
    "FileChanged",
    "Gathered",
    "Import",
    "ImportError_",
    "ImportOptions",
    "Kind",
    "NotResumable",
    "Parsed",
    "Place",
    "Progress",
    "Remembered",
    "Run",
    "RunElsewhere",
    "Sender",
    "Source",
    "Tell",
    "Whereabouts",
    "bad_row",
    "begin",
    "errors_of",
    "fail",
    "fail_undo",
    "get_import",
    "list_imports",
    "no_half",
    "number",
    "remembered",
    "resume",
    "sender_of",
    "stream_errors",
    "submit",
    "submit_undo",
    "text",
    "undo",
    "undo_sender_of",
    "whereabouts",
    "yes_or_no",
]
