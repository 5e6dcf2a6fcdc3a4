"""Longest paths through modules, against a search through everything laid flat."""

import dataclasses
import functools
import json

import numpy as np
import pytest

from tensorloom.hw.emit.emitter import emit
from tensorloom.hw.emit.yosys import YosysError
from tensorloom.tb.area import measure_area
from tensorloom.tb.depth import Netlist, find_paths, read_netlist

from .test_area import CELLS, Gates, Top


def random_netlist(rng: np.random.Generator, ports: int, gates: int, children: int = 0) -> Netlist:
    """Gates, registers and instances of a module ``child`` of `ports` inputs and outputs, without loops."""
    inputs = {f"i[{place}]": place for place in range(ports)}
    nets = list(inputs.values())
    netlist = Netlist(inputs, {}, [], [], [], [], [])
    made = rng.permutation(["gate"] * gates + ["register"] * (gates // 4 + 1) + ["child"] * children)
    fresh = iter(range(ports, ports + len(made) * (ports + 1)))
    for kind in made:
        if kind == "child":
            pins = {f"i[{place}]": int(rng.choice(nets)) for place in range(ports)}
            out = {f"o[{place}]": next(fresh) for place in range(ports)}
            netlist.instances.append(("child", pins | out))
            nets += out.values()
            continue
        into, out = rng.choice(nets, 2), next(fresh)
        if kind == "gate":
            netlist.sources.extend(map(int, into))
            netlist.targets.extend([out, out])
        else:
            netlist.ends.append(int(into[0]))
            netlist.starts.append(out)
        nets.append(out)
    return dataclasses.replace(netlist, outputs={f"o[{place}]": int(rng.choice(nets)) for place in range(ports)})


def longest(netlist: Netlist, child: Netlist | None) -> int:
    """Laid flat: nets of the n-th instance become (n, net)."""
    arcs: dict[object, list[object]] = {}
    starts: list[object] = [*netlist.starts, *netlist.inputs.values()]
    ends: list[object] = [*netlist.ends, *netlist.outputs.values()]
    wires: list[tuple[object, object]] = []
    for source, target in zip(netlist.sources, netlist.targets, strict=True):
        arcs.setdefault(source, []).append(target)
    for number, (_, pins) in enumerate(netlist.instances):
        assert child is not None
        for source, target in zip(child.sources, child.targets, strict=True):
            arcs.setdefault((number, source), []).append((number, target))
        starts += [(number, net) for net in child.starts]
        ends += [(number, net) for net in child.ends]
        wires += [(pins[pin], (number, net)) for pin, net in child.inputs.items()]
        wires += [((number, net), pins[pin]) for pin, net in child.outputs.items()]
    joined: dict[object, list[object]] = {}
    for source, target in wires:
        joined.setdefault(source, []).append(target)

    @functools.cache
    def depth(net: object) -> int:
        further = [depth(other) for other in joined.get(net, [])] + [1 + depth(other) for other in arcs.get(net, [])]
        return max([0 if net in ends else -1000, *further])

    return max(0, *map(depth, starts))


@pytest.mark.parametrize("children", [0, 3])
def test_as_flat(children: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(60):
        ports, gates = int(rng.integers(1, 6)), int(rng.integers(1, 40))
        child = random_netlist(rng, ports, gates)
        inside = find_paths(child, {})
        assert inside.longest == longest(child, None)
        top = random_netlist(rng, ports, gates, children)
        paths = find_paths(top, {"child": inside})
        # What is deepest inside of a module counts wherever it is, even if nothing comes in from outside.
        assert paths.longest == max(longest(top, child), inside.longest if children else 0)
        found.append(paths.longest)
    assert len(set(found)) > 5


def test_pins() -> None:
    #  a -1-> x -1-> o[1], register -> y -1-> o[0], b -> register
    netlist = Netlist({"a[0]": 0, "b[0]": 1}, {"o[0]": 5, "o[1]": 3}, [0, 2, 4], [2, 3, 5], [4], [1], [])
    paths = find_paths(netlist, {})
    assert (paths.longest, paths.outgoing, paths.incoming) == (2, {"o[0]": 1}, {"b[0]": 0})
    assert paths.through == {("a[0]", "o[1]"): 2}


def test_loops_end() -> None:
    with pytest.raises(YosysError, match="loop without a register"):
        find_paths(Netlist({"a[0]": 0}, {"o[0]": 2}, [0, 1, 2], [1, 2, 1], [], [], []), {})


def test_yosys_netlists() -> None:
    """A gate with a constant input, a register, a module inside."""
    cell = {
        "connections": {"A": [2], "B": ["1"], "Y": [3]},
        "port_directions": {"A": "input", "B": "input", "Y": "output"},
    }
    cells = {
        "gate": cell | {"type": "$_NAND_"},
        "flip_flop": {
            "type": "$_DFF_P_",
            "connections": {"C": [4], "D": [3], "Q": [5]},
            "port_directions": {"C": "input", "D": "input", "Q": "output"},
        },
        "inside": {"type": "part", "connections": {"i": [5, "0"], "o": [6]}},
    }
    ports = {"a": {"direction": "input", "bits": [2]}, "o": {"direction": "output", "bits": ["x", 6]}}
    text = json.dumps({"modules": {"m": {"ports": ports, "cells": cells}}})
    netlist = read_netlist(text, "m", {"part"}, {"$_DFF_P_"})
    assert netlist == Netlist({"a[0]": 2}, {"o[1]": 6}, [2], [3], [5], [4, 3], [("part", {"i[0]": 5, "o[0]": 6})])


def test_of_designs() -> None:
    """A gate; two in a row and a register behind them; three of those in a row."""
    for liberty in (None, CELLS):
        report = measure_area(emit(Gates()), liberty=liberty)
        assert report.modules["gate"].depth in (1, 2) and report.modules["gates"].depth in (2, 3, 4)
    report = measure_area(emit(Top()))
    depths = {name: module.depth for name, module in report.modules.items()}
    assert (depths["ram"], depths["gate"]) == (0, 1)
    assert depths["top"] >= depths["gates"] > depths["gate"]
