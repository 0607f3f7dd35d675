"""The Python files that the house rules hold for, and what is read off them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("producer", "worker", "shared", "fairway")
BESIDE = ("tests", "benchmarks", "examples")

Function = ast.FunctionDef | ast.AsyncFunctionDef

_NESTS = (
    ast.AsyncFor, ast.AsyncFunctionDef, ast.AsyncWith, ast.ClassDef, ast.For, ast.FunctionDef, ast.If, ast.Match, ast.Try, ast.TryStar,
    ast.While, ast.With,
)  # fmt: skip


def files(*folders: str) -> list[Path]:
    """Every Python file below these folders of the project, as paths from its root."""
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tree(path: Path) -> ast.Module:
    """What a file says, parsed."""
    return ast.parse((ROOT / path).read_text(), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a file, inner ones too."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def nesting(node: ast.AST) -> int:
    """How deep blocks lie in each other; classes and functions count, `elif` doesn't."""
    inner = max((nesting(child) - _is_elif(node, child) for child in ast.iter_child_nodes(node)), default=0)
    return inner + isinstance(node, _NESTS)


def _is_elif(node: ast.AST, child: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
