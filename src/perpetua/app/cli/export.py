"""`perpetua export`: lists out, as CSV or XLSX."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from perpetua.app.cli import common
from perpetua.app.files import Format, written

__all__ = ["app"]

app = App(name="export", help="Write lists to CSV or XLSX.")


@app.default
async def run(
    what: str,
    *,
    form: Annotated[Format, Parameter(name="--format")] = "csv",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    bom: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Write a list, such as `perpetua import` reads back.

    Args:
        what: products, and whatever else this build can write.
        form: csv or xlsx.
        output: the file to write; the standard output where not given.
        bom: begin a CSV with a byte-order mark, for Excel.
    """
    size = 0
    async with common.database() as db:
        stream = written(what, form, db, common.actor(), bom=bom)
        part = Path(f"{output}.part") if output else None
        file = part.open("wb") if part else sys.stdout.buffer
        try:
            async for data in stream:
                size += file.write(data)
            file.flush()
        finally:
            if part:
                file.close()
        if part and output:
            part.replace(output)  # whole or not at all
    if output and common.as_json():
        common.show({"file": str(output), "bytes": size})
    elif output:
        common.say(f"{output}: {size:,} bytes.")
