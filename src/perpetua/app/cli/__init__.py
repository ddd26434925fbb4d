"""The command `perpetua`.

Always true:
- Every command takes `--json`, and then prints one JSON document on its standard output and nothing else.
- Exit codes: 0 done, 1 refused or failed, 2 wrongly called, 3 integrity broken, 130 interrupted.
- A refusal is printed as a problem with its facts; a password is never printed.
"""

import importlib.util
import sys
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError

from perpetua import __version__
from perpetua.app.cli import common
from perpetua.kit.errors import Refusal

__all__ = ["COMMANDS", "main"]

COMMANDS: Final[tuple[tuple[str, str, str], ...]] = (
    ("up", "run:up", "Web, worker and database in one, until Ctrl-C."),
    ("serve", "run:serve", "The web alone."),
    ("worker", "run:worker", "The background worker alone."),
    ("demo", "demo:app", "A believable company, served."),
    ("place", "place:app", "Sites, zones and bins."),
    ("search", "search:search", "Find an item by SKU, barcode, name or attributes, typos and all."),
    ("label", "label:app", "Labels for items, lots, places and pallets, as PDF or ZPL."),
    ("import", "import_:app", "Read files in: items, places, stock, movements, orders."),
    ("export", "export:app", "Write lists to CSV, XLSX or Parquet."),
    ("order", "order:app", "Sales orders: listed, shown, cancelled, shipped."),
    ("purchase-order", "purchase_order:app", "What was ordered of suppliers: listed, shown, approved."),
    ("supplier-invoice", "supplier_invoice:app", "What suppliers bill: listed, shown."),
    ("lead-time", "lead_time:app", "How long suppliers take: listed, expected; scorecards."),
    ("receipt", "receipt:app", "Deliveries at the dock: listed, shown, printed."),
    ("reservation", "reservation:app", "Stock that is held: listed, taken, ended."),
    ("allocation", "allocation:app", "The rules of who gets what: shown, changed from a file."),
    ("stock", "stock:app", "What is where, now or at any past instant."),
    ("lot", "lot:app", "Lots: listed, shown, put on hold, released; what expires."),
    ("recall", "recall:app", "Recalls: opened, shown, closed; who has it and what is still here."),
    ("ledger", "ledger:app", "The history of an item."),
    ("archive", "archive:app", "Old months of the ledger in Parquet files."),
    ("check", "check:app", "Prove that ledger, levels and seals agree."),
    ("prove", "prove:app", "Try to oversell a scratch database, and see."),
    ("user", "user:app", "People and their roles."),
    ("token", "token:app", "API tokens."),
    ("secret", "secret:app", "The installation's secret: put another in use."),
    ("db", "db:app", "The database: migrate, status, back up, restore."),
)
"""Each command, where it lives below this package (imported when it is called), and what help says of it."""


def build() -> App:
    """The application with all its commands; none is imported yet."""
    app = App(
        name="perpetua",
        help="A perpetual-inventory system that proves its numbers.",
        help_epilogue="Every command takes --json.",
        version=__version__,
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for name, where, says in COMMANDS:
        if importlib.util.find_spec(f"{__name__}.{where.partition(':')[0]}") is None:
            continue  # not in this build
        app.command(f"{__name__}.{where}", name=name, help=says)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    tokens = common.take_json_flag(list(sys.argv[1:] if arguments is None else arguments))
    try:
        result = build()(tokens)
    except CycloptsError as error:
        common.problem("usage", "Wrongly called", str(error))
        return common.USAGE
    except Refusal as refusal:
        common.refused(refusal)
        return common.FAILED
    except KeyboardInterrupt:
        common.say("Interrupted.")
        return common.INTERRUPTED
    except common.database_errors() as error:
        common.problem("database", "The database did not answer", common.first_line(error))
        return common.FAILED
    except BrokenPipeError:
        sys.stdout = None  # the reader (`head`, say) has gone; nothing is left to flush
        return common.DONE
    return result if isinstance(result, int) and not isinstance(result, bool) else common.DONE
