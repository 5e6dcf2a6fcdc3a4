"""Random networks of all kinds of nodes."""

import dataclasses

import numpy as np

from tensorloom.sim.tpu.graph import Combine, Graph, Join, Lookup, Pool, Product, Tensor
from tensorloom.sim.tpu.layers import Layer, RawLayer


def random_layer(rng, rows, columns, dtype, raw=False):
    weights = rng.integers(-128, 128, (rows, columns)).astype(rng.choice([np.int8, np.uint8]))
    if raw:
        return RawLayer(weights=weights, planes=1, relu=bool(rng.random() < 0.5))
    low, high = (int(limit) for limit in (np.iinfo(dtype).min, np.iinfo(dtype).max))
    return Layer(
        weights=weights,
        bias=rng.integers(-20000, 20000, columns, np.int32),
        factors=(np.exp(rng.normal(-5, 1, columns)) / np.sqrt(rows)).astype(np.float32),
        kind=np.dtype(dtype).name,
        zero=int(rng.integers(low, high, endpoint=True)),
    )


def random_windows(rng, tensor):
    """Kernel, stride, padding and dilation that fit an image."""
    sizes = tensor.height, tensor.width
    padding = [int(rng.integers(3)) for _ in range(4)]
    room = sizes[0] + padding[0] + padding[1], sizes[1] + padding[2] + padding[3]
    kernel = tuple(int(rng.integers(1, min(5, size) + 1)) for size in room)
    dilation = [
        int(rng.integers(1, max(1, (size - 1) // max(1, one - 1)) + 1)) if one > 1 and rng.random() < 0.3 else 1
        for one, size in zip(kernel, room, strict=True)
    ]
    return {
        "kernel": kernel, "stride": [int(rng.integers(1, 4)) for _ in range(2)],
        "padding": padding, "dilation": dilation,
    }  # fmt: skip


def random_graph(rng, config, nodes):
    """A network of about so many nodes, whose tensors are small."""
    dtype = rng.choice([np.int8, np.uint8])
    low = int(np.iinfo(dtype).min)

    def zero():
        return int(rng.integers(low, low + 256))

    images, most = int(rng.integers(1, 4)), config.row_bytes
    first = Tensor(
        images=images, height=int(rng.integers(1, 9)), width=int(rng.integers(1, 9)),
        channels=int(rng.integers(1, 2 * most)), dtype=np.dtype(dtype), zero=zero(),
    )  # fmt: skip
    graph = Graph(inputs={"x": first}, nodes={"copy": Lookup(sources=("x",), table=random_table(rng, dtype))},
                  outputs=("copy",))  # fmt: skip

    def extended(**more):
        made = {**graph.nodes, **more}
        return dataclasses.replace(graph, nodes=made, outputs=(list(made)[-1],))

    def product(name, source, channels, **windows):
        tensor = graph.tensors[source]
        count = tensor.channels * windows["kernel"][0] * windows["kernel"][1]
        raw = tensor.zero == 0 and dtype == np.uint8 and rng.random() < 0.3
        return {name: Product(sources=(source,), layer=random_layer(rng, count, channels, dtype, raw), **windows)}

    def is_free(name):
        return not any(name in node.sources for node in graph.nodes.values() if isinstance(node, Join))

    for number in range(nodes):
        name, names = f"n{number}", [one for one in graph.tensors if is_free(one)]
        source = str(rng.choice(names))
        tensor = graph.tensors[source]
        match int(rng.integers(7)):
            case 0:
                graph = extended(**product(name, source, int(rng.integers(1, 2 * most)), **random_windows(rng, tensor)))
            case 1:
                graph = extended(**product(name, source, int(rng.integers(1, 2 * most)), kernel=(1, 1)))
            case 2:
                average = bool(rng.random() < 0.5)
                windows = random_windows(rng, tensor)
                if average or not any(windows["padding"]) or True:
                    pool = Pool(sources=(source,), average=average, factor=float(rng.random() / 4),
                                addend=float(rng.normal(0, 30)), **windows)  # fmt: skip
                    graph = extended(**{name: pool})
            case 3:
                graph = extended(**{name: Lookup(sources=(source,), table=random_table(rng, dtype), zero=zero())})
            case 4:
                alike = [one for one in names if graph.tensors[one].shape == tensor.shape]
                other = str(rng.choice(alike))
                combine = Combine(
                    operation=str(rng.choice(["add", "multiply", "max"])), sources=(source, other), zero=zero(),
                    factor_a=float(rng.normal() / 8), factor_b=float(rng.normal()), addend=float(rng.normal(0, 40)),
                )  # fmt: skip
                graph = extended(**{name: combine})
            case 5:
                windows, z = random_windows(rng, tensor), zero()
                parts = {}
                for one, channels in enumerate(4 * rng.integers(1, most // 2, 3)):
                    part = product(f"{name}.{one}", source, int(channels), **windows)
                    layer = part[f"{name}.{one}"].layer
                    if isinstance(layer, RawLayer):
                        layer = random_layer(rng, *layer.weights.shape, dtype)
                    part[f"{name}.{one}"] = dataclasses.replace(
                        part[f"{name}.{one}"], layer=dataclasses.replace(layer, zero=z)
                    )
                    parts |= part
                graph = extended(**parts, **{name: Join(sources=tuple(parts), images=False)})
            case 6:
                like = [one for one in names if graph.tensors[one].shape[:3] == tensor.shape[:3]]
                sources = tuple(str(one) for one in rng.choice(like, 2))
                count = sum(graph.tensors[one].channels for one in sources)
                layer = random_layer(rng, count, int(rng.integers(1, most)), dtype)
                graph = extended(**{name: Product(sources=sources, layer=layer)})
    return graph


def random_table(rng, dtype):
    return rng.integers(0, 256, 256).astype(np.uint8).view(dtype)


def random_batch(rng, graph):
    """Inputs of a batch."""
    return {
        name: rng.integers(0, 256, tensor.shape).astype(np.uint8).view(tensor.dtype)
        for name, tensor in graph.inputs.items()
    }
