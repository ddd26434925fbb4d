"""The style that the tree keeps: sizes, names, floors, and words that don't belong in it."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "perpetua"
NO_WORDS = {"kit", "app", "adapters"}
PARTS = {"types", "rules", "errors", "events", "tables", "store", "service", "http", "jobs", "port", "imports"}
DOORS = {"service", "types", "errors", "events", "port"}
WIRING = DOORS | {"http", "jobs", "imports", "tables"}
OWN_BASES = {"msgspec.Struct", "Struct", "Refusal"}
FILE_LINES = 400
FUNCTION_LINES = 70
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
FOREIGN = {
    "a machine's path": re.compile(r"(?<![\w./-])/(?:work|root|home/\w+|Users/\w+)/"),
    "a registry's host": re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|crates\.io"),
}


def tracked(*suffixes: str) -> list[Path]:
    """Files of the repository with these suffixes (all, when none is given), as git lists them."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    paths = sorted({ROOT / name for name in listed if name})
    return [path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)]


def name(path: Path) -> str:
    """The path as a reader writes it."""
    return path.relative_to(ROOT).as_posix()


def texts(*suffixes: str) -> Iterator[tuple[Path, str]]:
    """Tracked text files and what is in them."""
    for path in tracked(*suffixes):
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every tracked Python file, parsed."""
    for path, text in texts(".py"):
        yield path, ast.parse(text, filename=name(path))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions in the tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def words() -> list[Path]:
    """The folders that are words of the trade."""
    return sorted(path.parent for path in SRC.glob("*/__init__.py") if path.parent.name not in NO_WORDS)


def test_files_are_short() -> None:
    kept = ("src/", "tests/", "bench/", "migrations/", "web/src/")
    long = {
        name(path): text.count("\n")
        for path, text in texts(".py", ".sql", ".typ", ".ts", ".tsx")
        if name(path).startswith(kept) and text.count("\n") >= FILE_LINES and "generated" not in text[:200].lower()
    }
    assert not long, f"{FILE_LINES} lines or more: {long}"


def test_functions_are_short() -> None:
    long = [
        f"{name(path)}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1}"
        for path, tree in modules()
        for node in functions(tree)
        if node.end_lineno and node.end_lineno - node.lineno + 1 >= FUNCTION_LINES
    ]
    assert not long, f"{FUNCTION_LINES} lines or more: {long}"


def test_a_word_holds_only_its_files() -> None:
    odd = []
    for word in words():
        for path in word.iterdir():
            if path.name == "__pycache__":
                continue
            python = path.stem in PARTS | {"__init__"} and path.suffix == ".py"
            package = path.is_dir() and path.name in PARTS and (path / "__init__.py").exists()
            statements = path.suffix == ".sql"  # queries.sql; what would pass 400 lines is split by subject
            paper = path.suffix == ".typ"  # what its documents look like
            if not (python or package or statements or paper):
                odd.append(name(path))
    assert not odd, f"not among a word's files: {odd}"


def test_a_word_says_what_is_always_true() -> None:
    silent = [word.name for word in words() if "lways true" not in (ast.get_docstring(parsed(word)) or "")]
    assert not silent, f"__init__.py doesn't say what is always true: {silent}"


def parsed(word: Path) -> ast.Module:
    """The word's `__init__.py`."""
    return ast.parse((word / "__init__.py").read_text(encoding="utf-8"))


def test_modules_and_public_functions_are_described() -> None:
    bare = []
    for path, tree in modules():
        where = name(path)
        if not tree.body and path.name == "__init__.py":
            continue
        if not ast.get_docstring(tree):
            bare.append(where)
        if where.startswith("src/"):
            bare += [f"{where}:{node.lineno} {node.name}" for node in public(tree) if not ast.get_docstring(node)]
    assert not bare, f"without a docstring: {bare}"


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Functions and classes without a leading underscore, and methods but for those that may override another's."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef) and all(ast.unparse(base) in OWN_BASES for base in node.bases):
                yield from (
                    inner
                    for inner in node.body
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_")
                )


def test_nothing_is_left_open() -> None:
    code = (".py", ".sql", ".typ", ".ts", ".tsx", ".css")
    open_ends = [
        f"{name(path)}:{number} {line.strip()[:80]}"
        for path, text in texts(*code)
        for number, line in enumerate(text.splitlines(), 1)
        if UNFINISHED.search(line) and path != Path(__file__)
    ]
    assert not open_ends, f"unfinished: {open_ends}"


def test_no_function_is_hollow() -> None:
    """A body of `...` belongs to a Protocol, an overload or a dunder; who does nothing on purpose says why."""
    hollow = []
    for path, tree in modules():
        if not name(path).startswith("src/"):
            continue
        protocols = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)
            for inner in node.body
        }
        for node in functions(tree):
            overload = any("overload" in ast.unparse(mark) for mark in node.decorator_list)
            meant = id(node) in protocols or overload or node.name.startswith("__") or ast.get_docstring(node)
            if not meant and all(is_empty(part) for part in node.body):
                hollow.append(f"{name(path)}:{node.lineno} {node.name}")
    assert not hollow, f"hollow: {hollow}"


def is_empty(node: ast.stmt) -> bool:
    """Whether it does nothing."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


@pytest.mark.parametrize("what", FOREIGN)
def test_no_trace_of_where_it_was_written(what: str) -> None:
    traces = [
        f"{name(path)}:{number} {line.strip()[:100]}"
        for path, text in texts()
        if path != Path(__file__)
        for number, line in enumerate(text.splitlines(), 1)
        if FOREIGN[what].search(line)
    ]
    assert not traces, f"names {what}: {traces}"


def test_quantities_are_never_floats() -> None:
    """In the words that count goods and money, only seconds and search scores are floats (and what is refused)."""
    floats = []
    for path, tree in modules():
        where = name(path)
        if not re.match(r"src/perpetua/(ledger|items|costing|allocation|orders|purchasing)/", where):
            continue
        if path.name == "search.py":  # counts no goods: likeness and scores
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree):
            named = isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).split(".")[-1].lower() == "float"
            if named or (isinstance(node, ast.Constant) and isinstance(node.value, float)):
                line = lines[node.lineno - 1]  # pyright: ignore[reportAttributeAccessIssue]
                if not re.search(r"(?i)second|timeout|score|similar|rank|\bcase ", line):
                    floats.append(f"{where}:{line.strip()}")
    assert not floats, f"floats near quantities: {floats}"


def test_rules_ask_no_clock() -> None:
    """import-linter keeps `time` and the system's clock out; this keeps `datetime.now()` out too."""
    asked = [
        f"{name(path)}:{node.lineno}"
        for path, tree in modules()
        if re.match(r"src/perpetua/\w+/(rules|types)(/|\.py)", name(path))
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow"}
    ]
    assert not asked, f"rules are handed the instant: {asked}"


def test_a_word_is_entered_by_its_doors() -> None:
    """Another word's `service types errors events port`; `app` also wires its `http jobs imports tables`."""
    graph = grimp.build_graph("perpetua")
    wrong = []
    for importer in sorted(graph.modules):
        home = importer.split(".")[1:2]
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            word, *inside = imported.split(".")[1:] or ["kit"]
            if [word] == home or word in NO_WORDS:
                continue
            doors = WIRING if home == ["app"] else DOORS
            if not inside or inside[0] not in doors:
                wrong.append(f"{importer} -> {imported}")
    assert not wrong, f"not by a door: {wrong}"
