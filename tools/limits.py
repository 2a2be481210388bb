"""Checks the size limits of the source: lines per module and function, parameters per constructor.

python tools/limits.py FOLDER…    lists what exceeds a limit, and exits with 1 if anything does
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_CONSTRUCTOR_PARAMETERS = 6
COMPOSITION_ROOTS = frozenset({"run_server"})
"""Functions that only build and connect parts may be longer."""


def violations(module: Path) -> Iterator[str]:
    """Yield a line for each limit that a module exceeds."""
    text = module.read_text("utf-8")
    lines = text.count("\n")
    if lines > MAX_MODULE_LINES:
        yield f"{module}: {lines} lines (limit {MAX_MODULE_LINES})"
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        where = f"{module}:{node.lineno}: {node.name}"
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > MAX_FUNCTION_LINES and node.name not in COMPOSITION_ROOTS:
            yield f"{where} has {length} lines (limit {MAX_FUNCTION_LINES})"
        parameters = len(node.args.args) + len(node.args.kwonlyargs) - 1
        if node.name == "__init__" and parameters > MAX_CONSTRUCTOR_PARAMETERS:
            yield f"{where} has {parameters} parameters (limit {MAX_CONSTRUCTOR_PARAMETERS})"


if __name__ == "__main__":
    modules = sorted(module for folder in sys.argv[1:] for module in Path(folder).rglob("*.py"))
    problems = [problem for module in modules for problem in violations(module)]
    print("\n".join(problems) or f"{len(modules)} modules within their limits")
    sys.exit(bool(problems))
