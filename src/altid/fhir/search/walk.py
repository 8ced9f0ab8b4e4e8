"""One walk over a resource that meets every element that some search parameter is about.

The routes of all parameters of a type are merged into a tree of keys, so an element costs the same however
many parameters look at it, and what no parameter looks at is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from altid.fhir import path

Leaf = Callable[[Any, Any], None]
"""Takes (value, collector); called for each value that a route ends at."""


class Node:
    """What to do with a value: call the leaves, go on with the values of some keys, test, compute."""

    __slots__ = ("computed", "leaves", "members", "picks", "tests")

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.members: dict[str, Node] = {}
        self.tests: dict[path.Test, Node] = {}
        self.picks: dict[int, Node] = {}
        self.computed: dict[path.Compute, Node] = {}


def tree(leaves: Iterable[tuple[path.Route, Leaf]]) -> Node:
    """The tree of all routes. An index is understood only right after a key, as in `entry[0]`."""
    root = Node()
    for route, leaf in leaves:
        node = root
        for step in route.steps:
            node = _child(node, step)
        node.leaves.append(leaf)
    return root


def _child(node: Node, step: path.Step) -> Node:
    match step:
        case path.Key(name):
            return node.members.setdefault(name, Node())
        case path.Test():
            return node.tests.setdefault(step, Node())
        case path.Pick(position):
            return node.picks.setdefault(position, Node())
        case path.Compute():
            return node.computed.setdefault(step, Node())


def walk(node: Node, value: Any, root: Any, collector: Any) -> None:
    """Call the leaves for every value that the routes of the tree select. `root` is the resource."""
    for leaf in node.leaves:
        leaf(value, collector)
    if node.members and type(value) is dict:
        members = node.members
        for key, item in value.items():
            if key in members:
                _enter(members[key], item, root, collector)
    if node.tests:
        for test, child in node.tests.items():
            if test.holds(value, root):
                walk(child, value, root, collector)
    if node.computed:
        for compute, child in node.computed.items():
            for item in compute.values(value, root):
                walk(child, item, root, collector)


def _enter(node: Node, value: Any, root: Any, collector: Any) -> None:
    if type(value) is not list:
        walk(node, value, root, collector)
        values = [value]
    else:
        values = value
        for item in value:
            if item is not None:
                walk(node, item, root, collector)
    for position, child in node.picks.items():
        for item in values[position:][:1]:
            walk(child, item, root, collector)
