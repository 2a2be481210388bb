"""Finds calls of the AMQP client that may wait forever: while a broker is down or hangs, most of them do.

python tools/bounded_waits.py FOLDER…    lists them, and exits with 1 if there are any

An awaited call is bounded if it has a `timeout`, is within `async with asyncio.timeout(…)`, is an argument of
`attempt(…)`, or its function is decorated with `@bounded(…)`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

CLIENT_CALLS = frozenset(
    {
        "ack",
        "basic_nack",
        "bind",
        "cancel",
        "channel",
        "close",
        "connect",
        "connect_robust",
        "consume",
        "declare_exchange",
        "declare_queue",
        "get",
        "get_exchange",
        "get_queue",
        "get_underlay_channel",
        "nack",
        "publish",
        "ready",
        "set_qos",
    }
)
"""Names of coroutine methods of aio-pika, and of its functions, that wait for the broker."""
OWN_RECEIVERS = frozenset({"self", "cls"})
"""Methods of our own classes are checked where they are defined."""


def unbounded(node: ast.AST, *, bounded: bool = False) -> Iterator[ast.AST]:
    """Yield the calls below a node that are not bounded."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        bounded = any(_name(each) == "bounded" for each in getattr(node, "decorator_list", ()))
    if isinstance(node, ast.AsyncWith):
        calls = [item.context_expr for item in node.items]
        if not bounded and any(_name(call) in ("Channel", "connection") for call in calls):
            yield node
        bounded = bounded or any(_name(call) == "timeout" for call in calls)
    if isinstance(node, ast.Await):
        choices = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
        if not bounded and any(map(_may_wait_forever, choices)):
            yield node
        bounded = bounded or _name(node.value) == "attempt"
    for child in ast.iter_child_nodes(node):
        yield from unbounded(child, bounded=bounded)


def _may_wait_forever(call: ast.expr) -> bool:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    own = isinstance(call.func.value, ast.Name) and call.func.value.id in OWN_RECEIVERS
    has_timeout = any(keyword.arg == "timeout" for keyword in call.keywords)
    return call.func.attr in CLIENT_CALLS and not own and not has_timeout


def _name(node: ast.expr) -> str:
    """Return the last name in `a`, `a.b` or a call of them."""
    target = node.func if isinstance(node, ast.Call) else node
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


if __name__ == "__main__":
    modules = sorted(module for folder in sys.argv[1:] for module in Path(folder).rglob("*.py"))
    problems = [
        f"{module}:{getattr(call, 'lineno', 0)}: this call may wait forever"
        for module in modules
        for call in unbounded(ast.parse(module.read_text("utf-8")))
    ]
    print("\n".join(problems) or f"{len(modules)} modules without unbounded waits")
    sys.exit(bool(problems))
