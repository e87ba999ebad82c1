"""Make small faults in a source file with the operators of Cosmic Ray; `mutants.py` tests the tests with them."""

import ast
from dataclasses import dataclass
from typing import Any

CHANGES = {
    *("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "Pow_Mul", "BitOr_BitAnd", "BitAnd_BitOr"),
    *("Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
    *("Is_IsNot", "IsNot_Is", "Delete_USub", "Delete_Invert", "Delete_Not", "AddNot"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd", "NumberReplacer"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "ZeroIterationForLoop"),
}
"""Operators of Cosmic Ray that are used; they change bounds, conditions, sums, products and numbers.

Operators that always fail on floats (a << b) are left out, and so is the removal of decorators, without which compiled
code is only slower.
"""


@dataclass(frozen=True)
class Fault:
    """One fault: the operator that makes it, and the number of its place among the places that fit the operator."""

    operator: str
    occurrence: int
    line: int

    @property
    def key(self) -> str:
        return f"{self.operator} {self.occurrence}"


def unseen(tree: ast.AST) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the places of a file that change no number: annotations, decorators, imports for types, `strict=`."""
    nodes: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg)
            nodes += [node.returns, *node.decorator_list, *(each.annotation for each in every if each)]
        elif isinstance(node, ast.ClassDef):
            nodes += node.decorator_list
        elif isinstance(node, ast.AnnAssign):
            nodes.append(node.annotation)
        elif isinstance(node, ast.keyword) and node.arg in ("strict", "copy"):
            nodes.append(node.value)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            nodes += [node.test, *node.body]
    return [
        ((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0))  # type: ignore[attr-defined]
        for node in nodes
        if node
    ]


def faults_of(source: str) -> list[Fault]:
    """List all faults of a module, in a fixed order."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import operator_names

    hidden, found = unseen(ast.parse(source)), []
    for name in sorted(name.partition("/")[2] for name in operator_names()):
        if name.rpartition("Operator_")[2] not in CHANGES:
            continue
        operator = operator_of(name)
        places = [place for node in ast_nodes(get_ast(source)) for place in operator.mutation_positions(node)]
        found += [
            Fault(name, number, start[0])
            for number, (start, _) in enumerate(places)
            if not any(first <= tuple(start) < last for first, last in hidden)
        ]
    return found


def operator_of(name: str) -> Any:
    """Return Cosmic Ray's operator; a float is multiplied or divided by 1.5, because a step of 1 is too large."""
    from cosmic_ray.plugins import get_operator

    operator = get_operator(f"core/{name}")

    class Scaled(operator):  # type: ignore[misc, valid-type]
        def mutate(self, node: Any, index: int) -> Any:
            if not isinstance(value := ast.literal_eval(node.value), float) or value == 0:
                return super().mutate(node, index)
            node.value = repr(value * 1.5 if index == 0 else value / 1.5)
            return node

    return Scaled() if name == "NumberReplacer" else operator()


def made(source: str, fault: Fault) -> str:
    from cosmic_ray.mutating import mutate_code

    return str(mutate_code(source, operator_of(fault.operator), fault.occurrence))


def changed_line(source: str, other: str) -> tuple[str, str]:
    """Return the first line that differs between two sources, before and after the fault."""
    pairs = zip(source.splitlines(), other.splitlines(), strict=False)
    return next(((a.strip(), b.strip()) for a, b in pairs if a != b), ("", ""))
