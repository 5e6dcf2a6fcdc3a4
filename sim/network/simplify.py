"""Networks that compute the same with fewer nodes."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from .graph import Add, Convolution, Lookup, Multiply, Network, Node, Pool, Product, Reshape, Value

__all__ = ["fold_limits", "rename_outputs"]

CLIPPED = Convolution | Product | Add | Multiply | Pool
"""Nodes that clip their results."""


def fold_limits(network: Network) -> Network:
    """Put tables that only clip (a Relu between equal scales) into the node in front, if nothing else reads that."""
    nodes: dict[str, Node] = {node.result.name: node for node in network.nodes}
    for node in network.nodes:
        before = nodes.get(node.source.name)
        limits = _limits(node)
        if limits is None or not isinstance(before, CLIPPED) or not _alone(network, nodes, node.source):
            continue
        least, most = before.clip
        low, high = (min(max(end, limits[0]), limits[1]) for end in (least, most))
        exact = before.exact and node.exact
        nodes[node.result.name] = dataclasses.replace(before, result=node.result, low=low, high=high, exact=exact)
        del nodes[node.source.name]
    return dataclasses.replace(network, nodes=tuple(nodes.values()))


def rename_outputs(network: Network) -> Network:
    """Where a node only gives an output its name, give that name to the value in front, if a node made it."""
    nodes: dict[str, Node] = {node.result.name: node for node in network.nodes}
    for node in network.nodes:
        before = nodes.get(node.source.name)
        renames = isinstance(node, Reshape) and node.operator == "Identity"
        if renames and before is not None and node.source not in network.outputs:
            new = {node.source: node.result}
            del nodes[node.result.name]
            nodes = {
                new.get(one.result, one.result).name: dataclasses.replace(
                    one,
                    result=new.get(one.result, one.result),
                    sources=tuple(new.get(source, source) for source in one.sources),
                )
                for one in nodes.values()
            }
    return dataclasses.replace(network, nodes=tuple(nodes.values()))


def _alone(network: Network, nodes: Mapping[str, Node], value: Value) -> bool:
    """Whether one node reads a value, and nobody outside."""
    return sum(value in node.sources for node in nodes.values()) == 1 and value not in network.outputs


def _limits(node: Node) -> tuple[int, int] | None:
    """Smallest and largest result of a table that does nothing but clip."""
    if not isinstance(node, Lookup) or not _same_meaning(node.source, node.result):
        return None
    values = np.arange(256, dtype=np.uint8).view(node.result.dtype)
    low, high = int(node.table.min()), int(node.table.max())
    return (low, high) if np.array_equal(node.table, np.clip(values, low, high)) else None


def _same_meaning(a: Value, b: Value) -> bool:
    return (a.dtype, a.scale, a.zero) == (b.dtype, b.scale, b.zero)
