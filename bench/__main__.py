"""`python -m bench` lists the benches; `python -m bench search …` runs one with its arguments; `… all` runs each."""

import importlib
import pkgutil
import sys
from types import ModuleType

import bench

SKELETON = {"__main__", "kit"}


def benches() -> dict[str, ModuleType]:
    """Each bench by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(bench.__path__))
    modules = {name: importlib.import_module(f"bench.{name}") for name in names if name not in SKELETON}
    return {name: module for name, module in modules.items() if hasattr(module, "run")}


def main(arguments: list[str]) -> int:
    """Run what the arguments name; 2 when there is no such bench."""
    known = benches()
    match arguments:
        case []:
            for name, module in known.items():
                print(f"{name:12} {(module.__doc__ or '').strip().splitlines()[0]}")
        case ["all", *rest]:
            for module in known.values():
                module.run(rest)
        case [name, *rest] if name in known:
            known[name].run(rest)
        case _:
            print(f"There is no bench {arguments[0]}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
    return 0


sys.exit(main(sys.argv[1:]))
