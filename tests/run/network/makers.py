"""Random quantized networks of all kinds of nodes, small enough for any machine."""

import numpy as np

from tensorloom.sim.network.graph import (
    Add,
    Convolution,
    Host,
    Join,
    Lookup,
    Multiply,
    Network,
    Node,
    Pool,
    Product,
    Reshape,
    Value,
)

MOST_CHANNELS = 12


class Maker:
    """A network while it is made; every method adds a node and returns what that makes."""

    def __init__(self, seed: int, dtype: str = "uint8", zeros: bool = True) -> None:
        self.rng, self.dtype, self.zeros = np.random.default_rng(seed), np.dtype(dtype), zeros
        self.nodes: list[Node] = []
        self.inputs: list[Value] = []

    def value(self, shape: tuple[int, ...], like: Value | None = None) -> Value:
        name = f"v{len(self.nodes) + len(self.inputs)}"
        if like is not None:
            return Value(name=name, shape=shape, dtype=like.dtype, scale=like.scale, zero=like.zero)
        limits = np.iinfo(self.dtype)
        zero = int(self.rng.integers(limits.min, limits.max + 1)) if self.zeros else 0
        return Value(name=name, shape=shape, dtype=self.dtype, scale=self._scale(), zero=zero)

    def _scale(self) -> np.float32:
        return np.float32(np.exp(self.rng.normal(-3, 0.3)))

    def input(self, *shape: int) -> Value:
        self.inputs.append(self.value(shape))
        return self.inputs[-1]

    def floats(self, *shape: int) -> Value:
        """An input that the host quantizes."""
        self.inputs.append(Value(name="x", shape=shape, dtype=np.dtype(np.float32)))
        return self._add(Host, "QuantizeLinear", (self.inputs[-1],), self.value(shape))

    def _add(self, node: type, operator: str, sources: tuple[Value, ...], result: Value, /, **fields) -> Value:
        name = f"{operator.lower()} {len(self.nodes)}"
        self.nodes.append(node(name=name, operator=operator, sources=sources, result=result, **fields))
        return result

    def _clip(self) -> dict[str, int]:
        if self.rng.random() < 0.5:
            return {}
        limits = np.iinfo(self.dtype)
        low, high = sorted(self.rng.integers(limits.min, limits.max + 1, 2).tolist())
        return {"low": low, "high": high} if high - low > 60 else {}

    def _weights(self, shape: tuple[int, ...], channels: int, inputs: int) -> dict:
        """Weights about half of which are zero, with scales by which sums spread over results."""
        weights = self.rng.integers(-127, 128, shape).astype(np.int8) * (self.rng.random(shape) < 0.5)
        scales = np.float32(1 / (60 * np.sqrt(inputs))) * np.exp(self.rng.normal(0, 0.2, channels)).astype(np.float32)
        return {
            "weights": weights.astype(np.int8), "weight_scales": scales, "weight_zeros": np.zeros((), np.int8),
            "bias": self.rng.integers(-2000, 2000, channels).astype(np.int32) if self.rng.random() < 0.7 else None,
        }  # fmt: skip

    def convolution(
        self, source: Value, kernels: int, kernel: tuple[int, int] = (3, 3), group: int = 1, sums: bool = False,
        **fields,
    ) -> Value:  # fmt: skip
        images, channels, height, width = source.shape
        pads, strides = fields.get("pads", (0, 0, 0, 0)), fields.get("strides", (1, 1))
        spread = fields.get("dilations", (1, 1))
        size = [
            (length + before + after - (one - 1) * apart - 1) // step + 1
            for length, before, after, one, apart, step in zip(
                (height, width), pads[:2], pads[2:], kernel, spread, strides, strict=True
            )
        ]
        shape = images, kernels, *size
        result = (
            Value(name=self.value(shape).name, shape=shape, dtype=np.dtype(np.int32)) if sums else self.value(shape)
        )
        weights = self._weights(
            (kernels, channels // group, *kernel), kernels, channels // group * kernel[0] * kernel[1]
        )
        more = {} if sums else self._clip()
        return self._add(Convolution, "QLinearConv", (source,), result, group=group, **weights, **fields, **more)

    def product(self, source: Value, channels: int, sums: bool = False) -> Value:
        shape = *source.shape[:-1], channels
        result = (
            Value(name=self.value(shape).name, shape=shape, dtype=np.dtype(np.int32)) if sums else self.value(shape)
        )
        weights = self._weights((source.shape[-1], channels), channels, source.shape[-1])
        return self._add(Product, "QGemm", (source,), result, **weights, **({} if sums else self._clip()))

    def add(self, a: Value, b: Value) -> Value:
        return self._add(Add, "QLinearAdd", (a, b), self.value(a.shape), **self._clip())

    def multiply(self, a: Value, b: Value) -> Value:
        return self._add(Multiply, "QLinearMul", (a, b), self.value(a.shape), **self._clip())

    def max_pool(
        self, source: Value, kernel: int, stride: int, pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    ) -> Value:
        size = [
            (length + before + after - kernel) // stride + 1
            for length, before, after in zip(source.shape[2:], pads[:2], pads[2:], strict=True)
        ]
        return self._add(
            Pool, "MaxPool", (source,), self.value((*source.shape[:2], *size), source), kind="max",
            kernel=(kernel, kernel), strides=(stride, stride), pads=pads, **self._clip(),
        )  # fmt: skip

    def average(self, source: Value, kernel: int) -> Value:
        size = [length // kernel for length in source.shape[2:]]
        return self._add(
            Pool, "QLinearAveragePool", (source,), self.value((*source.shape[:2], *size)), kind="average",
            kernel=(kernel, kernel), strides=(kernel, kernel),
        )  # fmt: skip

    def global_average(self, source: Value, same: bool = False) -> Value:
        result = self.value((*source.shape[:2], 1, 1), source if same else None)
        return self._add(
            Pool, "QLinearGlobalAveragePool", (source,), result, kind="global", kernel=source.shape[2:], **self._clip()
        )

    def lookup(self, source: Value, monotonic: bool = False) -> Value:
        """A table of random values, or a Relu's."""
        table = self.rng.integers(0, 256, 256).astype(np.uint8).view(self.dtype)
        result = self.value(source.shape, source if monotonic else None)
        if monotonic:
            table = np.arange(256).astype(np.uint8).view(self.dtype)
            table = np.maximum(table, np.asarray(source.zero, self.dtype))
        return self._add(Lookup, "QLinearSigmoid", (source,), result, table=table)

    def table(self, source: Value, table: np.ndarray) -> Value:
        """Any table; its type is that of what the maker makes."""
        return self._add(Lookup, "QLinearSigmoid", (source,), self.value(source.shape), table=table)

    def join(self, *sources: Value) -> Value:
        shape = (sources[0].shape[0], sum(one.shape[1] for one in sources), *sources[0].shape[2:])
        return self._add(Join, "Concat", sources, self.value(shape, sources[0]), axis=1)

    def reshape(self, source: Value, *shape: int, permutation: tuple[int, ...] | None = None) -> Value:
        return self._add(Reshape, "Reshape", (source,), self.value(shape, source), permutation=permutation)

    def host(self, source: Value, operator: str = "DequantizeLinear") -> Value:
        name = self.value(source.shape).name
        return self._add(Host, operator, (source,), Value(name=name, shape=source.shape, dtype=np.dtype(np.float32)))

    def network(self, *outputs: Value) -> Network:
        return Network(inputs=tuple(self.inputs), outputs=outputs, nodes=tuple(self.nodes))

    def values(self, network: Network) -> dict[str, np.ndarray]:
        """Random inputs, half of whose bytes are zero points."""
        found = {}
        for one in network.inputs:
            if one.dtype == np.float32:
                found[one.name] = self.rng.normal(0, 1, one.shape).astype(np.float32)
                continue
            values = self.rng.integers(*one.limits, one.shape, endpoint=True)
            found[one.name] = np.where(self.rng.random(one.shape) < 0.5, values, one.zero).astype(one.dtype)
        return found


def random_network(seed: int, nodes: int = 7) -> tuple[Network, dict[str, np.ndarray]]:
    """A network of so many nodes or a few more, of images or of rows, all of whose loose ends are outputs; inputs."""
    rng = np.random.default_rng(seed)
    maker = Maker(seed, rng.choice(["int8", "uint8"]), zeros=bool(rng.random() < 0.7))
    images = int(rng.integers(1, 4))
    if rng.random() < 0.25:
        value = maker.input(images, int(rng.integers(2, 20)))
        for _ in range(3):
            value = maker.product(value, int(rng.integers(2, 20)))
        network = maker.network(value)
        return network, maker.values(network)
    values = [maker.input(images, 4 * int(rng.integers(1, 4)), *rng.integers(4, 9, 2).tolist())]
    for _ in range(nodes):
        values.append(_grow(maker, rng, values))
    last = values[-1]
    rows = maker.reshape(last, images, last.elements // images)
    outputs = [maker.product(rows, 6)]
    network = Network(inputs=tuple(maker.inputs), outputs=tuple(outputs), nodes=tuple(maker.nodes))
    loose = [value for value in values[1:] if not network.readers(value)]
    network = maker.network(*outputs, *loose)
    return network, maker.values(network)


def _grow(maker: Maker, rng: np.random.Generator, values: list[Value]) -> Value:
    """One more image."""
    source = values[int(rng.integers(len(values)))]
    _, channels, height, width = source.shape
    alike = [one for one in values if one.shape == source.shape]
    beside = [one for one in alike if (one.scale, one.zero) == (source.scale, source.zero)]
    match rng.integers(9):
        case 0 | 1 if min(height, width) >= 3:
            pads = tuple(rng.integers(0, 2, 4).tolist())
            strides = tuple(rng.integers(1, 3, 2).tolist())
            return maker.convolution(source, 4 * int(rng.integers(1, 4)), pads=pads, strides=strides)
        case 2:
            return maker.convolution(source, channels, (1, 1), group=int(rng.choice([1, 2, channels])))
        case 3 if min(height, width) >= 2:
            return maker.max_pool(source, 2, int(rng.integers(1, 3)), (0, 0, int(rng.integers(2)), 0))
        case 4:
            return maker.lookup(source, monotonic=bool(rng.random() < 0.5))
        case 5:
            return maker.multiply(source, alike[int(rng.integers(len(alike)))])
        case 6:
            return maker.join(source, beside[int(rng.integers(len(beside)))])
        case 7 if min(height, width) >= 4:
            return maker.average(source, 2)
    return maker.add(source, alike[int(rng.integers(len(alike)))])
