"""Random networks of all kinds of nodes."""

from typing import Any

import numpy as np

from ...hw.tpu.config import TpuConfig
from .graph import Combine, Graph, Join, Lookup, Node, Pool, Product, Tensor
from .layers import Layer, RawLayer

__all__ = ["random_batch", "random_graph"]

MOST_KERNEL, MOST_STRIDE, MOST_PADDING = 4, 3, 2


def random_graph(config: TpuConfig, seed: int, nodes: int) -> Graph:
    """Make a network of so many nodes, or a few more, whose tensors are small: everything that nothing joins goes out.

    Parameters
    ----------
    config
        The machine, whose rows of the unified buffer say how many channels are few.
    seed
        Of everything.
    nodes
        How many; joined tensors take three more.
    """
    return _Maker(config, np.random.default_rng(seed)).graph(nodes)


def random_batch(graph: Graph, seed: int) -> dict[str, np.ndarray]:
    """Inputs of a batch by name."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(0, 256, tensor.shape, np.uint8).view(tensor.dtype) for name, tensor in graph.inputs.items()
    }


class _Maker:
    def __init__(self, config: TpuConfig, rng: np.random.Generator) -> None:
        self.rng, self.most = rng, config.row_bytes
        self.dtype = np.dtype(rng.choice(["int8", "uint8"]))
        self.limits = np.iinfo(self.dtype)
        first = Tensor(
            images=self._upto(3), height=self._upto(8), width=self._upto(8), channels=self._upto(2 * self.most),
            dtype=self.dtype, zero=self._zero(),
        )  # fmt: skip
        self.inputs = {"x": first}
        self.tensors = dict(self.inputs)
        self.nodes: dict[str, Node] = {}
        self.joined: set[str] = set()

    def graph(self, nodes: int) -> Graph:
        makers = (self._convolution, self._dense, self._pool, self._lookup, self._combine, self._join, self._wide)
        for number in range(nodes):
            free = [name for name in self.tensors if name not in self.joined]
            source = str(self.rng.choice(free))
            like = [name for name in free if self.tensors[name].shape[:3] == self.tensors[source].shape[:3]]
            made = makers[self.rng.integers(len(makers))](f"node {number}", source, like)
            self.nodes |= made
            graph = Graph(inputs=self.inputs, nodes=self.nodes, outputs=(list(made)[-1],))
            self.tensors = graph.tensors
        outputs = tuple(name for name in self.nodes if name not in self.joined)
        return Graph(inputs=self.inputs, nodes=self.nodes, outputs=outputs)

    def _upto(self, most: int) -> int:
        return int(self.rng.integers(1, most, endpoint=True))

    def _zero(self) -> int:
        return int(self.rng.integers(self.limits.min, self.limits.max, endpoint=True))

    def _layer(self, rows: int, columns: int, zero: int | None = None) -> Layer:
        weights = self.rng.integers(0, 256, (rows, columns), np.uint8).view(self.rng.choice(["int8", "uint8"]))
        factors = np.exp(self.rng.normal(-5, 1, columns)) / np.sqrt(rows)
        return Layer(
            weights=weights, bias=self.rng.integers(-20000, 20000, columns, np.int32),
            factors=factors.astype(np.float32), kind="int8" if self.dtype == np.int8 else "uint8",
            zero=self._zero() if zero is None else zero,
        )  # fmt: skip

    def _windows(self, tensor: Tensor) -> dict[str, Any]:
        """Kernel, stride, padding and dilation that fit an image."""
        padding = [int(self.rng.integers(MOST_PADDING + 1)) for _ in range(4)]
        room = tensor.height + padding[0] + padding[1], tensor.width + padding[2] + padding[3]
        kernel = tuple(self._upto(min(MOST_KERNEL, size)) for size in room)
        dilation = [
            self._upto((size - 1) // (one - 1)) if one > 1 and self.rng.random() < 0.3 else 1
            for one, size in zip(kernel, room, strict=True)
        ]
        stride = [self._upto(MOST_STRIDE) for _ in range(2)]
        return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}

    def _product(self, source: str, columns: int, zero: int | None = None, **windows: Any) -> Product:
        kernel = windows.get("kernel", (1, 1))
        rows = kernel[0] * kernel[1] * self.tensors[source].channels
        return Product(sources=(source,), layer=self._layer(rows, columns, zero), **windows)

    def _convolution(self, name: str, source: str, like: list[str]) -> dict[str, Node]:
        return {name: self._product(source, self._upto(2 * self.most), **self._windows(self.tensors[source]))}

    def _dense(self, name: str, source: str, like: list[str]) -> dict[str, Node]:
        tensor, columns = self.tensors[source], self._upto(2 * self.most)
        if tensor.zero == 0 and self.dtype == np.uint8:
            weights = self.rng.integers(-128, 128, (tensor.channels, columns), np.int8)
            return {name: Product(sources=(source,), layer=RawLayer(weights=weights, planes=1, relu=True))}
        return {name: self._product(source, columns)}

    def _pool(self, name: str, source: str, like: list[str]) -> dict[str, Node]:
        windows, average = self._windows(self.tensors[source]), bool(self.rng.random() < 0.5)
        factor, addend = float(self.rng.random() / 4), float(self.rng.normal(0, 30))
        return {name: Pool(sources=(source,), average=average, factor=factor, addend=addend, **windows)}

    def _lookup(self, name: str, source: str, like: list[str]) -> dict[str, Node]:
        table = self.rng.integers(0, 256, 256, np.uint8).view(self.dtype)
        return {name: Lookup(sources=(source,), table=table, zero=0)}

    def _combine(self, name: str, source: str, like: list[str]) -> dict[str, Node]:
        """Of tensors that nothing but their channels cuts into slices."""
        alike = [
            one
            for one in like
            if self.tensors[one].channels == self.tensors[source].channels and self._cut(one) == self._cut(source)
        ]
        factors = self.rng.normal(0, (0.2, 1, 40))
        lo, hi = sorted(self.rng.integers(self.limits.min, self.limits.max, 2, endpoint=True).tolist())
        combine = Combine(
            operation=self.rng.choice(["add", "multiply", "max"]).item(),
            sources=(source, str(self.rng.choice(alike))), factor_a=float(factors[0]), factor_b=float(factors[1]),
            addend=float(factors[2]), zero=self._zero(), lo=lo, hi=hi,
        )  # fmt: skip
        return {name: combine}

    def _cut(self, name: str) -> str:
        """The join that cuts a tensor into slices as it needs them, if it goes through one."""
        node = self.nodes.get(name)
        if isinstance(node, Combine | Lookup):
            return self._cut(node.sources[0])
        return name if isinstance(node, Join) and not node.images else ""

    def _join(self, name: str, source: str, like: list[str]) -> dict[str, Node]:
        windows, zero, images = self._windows(self.tensors[source]), self._zero(), bool(self.rng.random() < 0.3)
        columns = [4 * self._upto(self.most // 2) for _ in range(3)]
        parts = {f"{name} part {part}": size for part, size in enumerate(columns)}
        self.joined |= set(parts)
        products = {
            part: self._product(source, columns[0] if images else size, zero, **windows) for part, size in parts.items()
        }
        return {**products, name: Join(sources=tuple(parts), images=images)}

    def _wide(self, name: str, source: str, like: list[str]) -> dict[str, Node]:
        """A product of two tensors at once."""
        sources = (source, str(self.rng.choice(like)))
        rows = sum(self.tensors[one].channels for one in sources)
        return {name: Product(sources=sources, layer=self._layer(rows, self._upto(self.most)))}
