"""Small files, short functions, shallow blocks, and a word on top of each file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import BESIDE, PRODUCT, files, functions, nesting, tree

MOST_LINES = 300
LONGEST_FUNCTION = 40
DEEPEST = 5

EVERYWHERE = files(*PRODUCT, *BESIDE)


@pytest.mark.parametrize("path", EVERYWHERE, ids=str)
def test_a_file_is_one_idea(path: Path) -> None:
    module = tree(path)
    ends = [node.end_lineno or 0 for node in module.body]
    long = [function.name for function in functions(path) if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION]
    assert max(ends, default=0) <= MOST_LINES
    assert long == [], f"over {LONGEST_FUNCTION} lines"
    assert nesting(module) <= DEEPEST


@pytest.mark.parametrize("path", files(*PRODUCT, "benchmarks", "examples"), ids=str)
def test_a_file_says_what_it_is_for(path: Path) -> None:
    said = ast.get_docstring(tree(path))
    assert said, "no docstring on top"
    assert len(said) > 20


def test_the_bounds_can_be_broken() -> None:
    deep = ast.parse("class A:\n def f(s):\n  for x in s:\n   if x:\n    with x:\n     while x:\n      pass\n")
    assert nesting(deep) == 6
    flat = ast.parse("def f(x):\n if x == 1:\n  pass\n elif x == 2:\n  pass\n elif x == 3:\n  pass\n else:\n  pass\n")
    assert nesting(flat) == 2
