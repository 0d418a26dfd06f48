"""The modules that `bento_client.codegen` writes from schemas."""

from __future__ import annotations

import ast

from bento_client.codegen import check, generate
from bento_proto import SchemaError

# What a generated module may import, but for type checkers.
IMPORTS = {
    "__future__", "bento_async", "bento_proto", "bento_sync", "builtins", "collections", "datetime", "ipaddress",
    "pathlib", "typing", "typing_extensions", "uuid",
}  # fmt: skip


def test_one_input(data: bytes) -> None:
    """A schema is a Service or a `SchemaError`; of a Service a module is written, whatever it says.

    The module is Python that runs nothing when it is imported but the definitions of types and of the schema, and the
    Service has not drifted from it. The schema in it gives the same module again.
    """
    try:
        text = generate(data)
    except SchemaError:
        return
    assert executes_nothing(ast.parse(text))
    compile(text, "generated", "exec")
    assert check(data, text) == []
    assert generate(schema_in(text)) == text


def schema_in(text: str) -> bytes:
    """The schema that a module holds."""
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    (found,) = (node.value for node in nodes if ast.unparse(node.targets[0]) == "_SCHEMA")
    schema: object = ast.literal_eval(found)
    assert isinstance(schema, bytes)
    return schema


def executes_nothing(tree: ast.Module) -> bool:
    """Whether importing does nothing but import what `IMPORTS` names, and define types and constants."""
    return all(map(_is_harmless, tree.body[1:])) and _is_text(tree.body[0])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_harmless(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] in IMPORTS
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" and not node.orelse
    if isinstance(node, ast.Assign):
        value = node.value
        if isinstance(value, ast.Call):
            literal = not value.keywords and all(_is_literal(argument) for argument in value.args)
            return literal and isinstance(value.func, ast.Name) and value.func.id == "TypedDict"
        return _is_literal(value)
    if isinstance(node, ast.ClassDef):
        names = [*node.bases, *(keyword.value for keyword in node.keywords)]
        return (
            not node.decorator_list
            and all(isinstance(name, ast.Name) for name in names)
            and all(
                _is_text(each) or _is_harmless(each) or (isinstance(each, ast.AnnAssign) and each.value is None)
                for each in node.body
            )
        )
    return False


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True
