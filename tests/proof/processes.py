"""`perpetua serve` and `perpetua worker` as people start them, to be killed; and a file for them to import."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

PATIENCE_SECONDS = 120
LINES = 20_000


def until(true: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := true()):
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.005)
    return found


class Program:
    """One of our programs, leading a process group of its own, which is killed as a whole.

    Args:
        what: `serve` or `worker`.
        url: the database.
        home: its folder; the secret and the log lie there.
    """

    def __init__(self, what: str, url: str, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.what = what
        self.log = home / f"{what}.log"
        self.environment = {
            **os.environ, "DATABASE_URL": url, "PERPETUA_HOME": str(home), "PERPETUA_SECRET": "s" * 40,
            "PERPETUA_BIND": f"127.0.0.1:{self.port}", "PERPETUA_WORKERS": "2",
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "perpetua.app.cli", self.what]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """kill -9, all of it at once; nothing of it runs any more on return."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def ready(self) -> bool:
        """Whether it answers that it can work."""
        assert self.process
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.address}/ready") as answer:
                return answer.status == 200
        except OSError:  # refused, reset, or 503
            return False


@contextlib.contextmanager
def running(what: str, url: str, home: Path) -> Iterator[Program]:
    """The program, started; killed at the end, whatever happened."""
    program = Program(what, url, home)
    program.start()
    try:
        if what == "serve":
            until(program.ready, "it is ready")
        yield program
    finally:
        if program.process:
            program.kill()


def invoice_lines(file: Path) -> None:
    """Sales, cancellations and lines that are no goods, over two months."""
    chance, at = random.Random(7), datetime(2025, 3, 1, 8)  # noqa: DTZ001 - as files write it
    with file.open("w") as out:
        out.write("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice\n")
        for n in range(LINES):
            at += timedelta(minutes=chance.randint(0, 9))
            back = chance.random() < 0.03
            code = "POST" if chance.random() < 0.01 else str(10_000 + chance.randint(0, 300))
            number = f"{'C' if back else ''}{500_000 + n // 7}"
            units = -chance.randint(1, 5) if back else chance.randint(1, 20)
            out.write(f"{number},{code},THING {code},{units},{at},{chance.randint(50, 900) / 100}\n")


def result(url: str) -> list[Any]:
    """All that an import leaves, without ids and times of writing."""
    with psycopg.connect(url) as connection:
        return [
            connection.execute(text).fetchall()
            for text in (
                """SELECT i.sku, t.type, t.effective_at, t.quantity, t.reference_id, t.line_no
                   FROM inventory_transactions t JOIN product_variants i ON i.id = t.variant_id
                   ORDER BY 1, 2, 3, 4, 5, 6""",
                """SELECT i.sku, l.code, v.on_hand FROM inventory_levels v
                   JOIN product_variants i ON i.id = v.variant_id JOIN locations l ON l.id = v.location_id
                   ORDER BY 1, 2""",
                "SELECT state, rows_total, rows_done, rows_good, rows_bad, summary FROM imports",
                "SELECT line, code, value FROM import_errors ORDER BY 1, 2, 3",
            )
        ]
