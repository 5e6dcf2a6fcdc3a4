"""Runs networks: parts of a machine on its Verilog, or answered by models, the host's between them."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...sim.memory_timing import MemoryTiming
from ...sim.network.execute import check_inputs, compute, execute_all
from ...sim.network.graph import Network
from ..progress import Stages, silent
from ..registry import Design
from .plan import HostPart, LayerFigures, MachinePart, Plan

if TYPE_CHECKING:
    from ..contract import Program
    from ..execution import Outcome, Simulator

__all__ = ["NetworkOutcome", "PartOutcome", "run_network"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class PartOutcome:
    """What a part of a machine gave.

    Parameters
    ----------
    part, program, outcome
        It, what ran, and what that gave.
    timing
        Of the memories.
    mismatches
        Results that differ from the network's golden execution.
    """

    part: MachinePart
    program: "Program"
    outcome: "Outcome[Any]"
    timing: MemoryTiming | None
    mismatches: int

    @cached_property
    def layers(self) -> list[LayerFigures]:
        """Figures of each node, by the cycle model."""
        return self.part.layers(self.program, self.timing)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class NetworkOutcome:
    """What a network gave.

    Parameters
    ----------
    design, plan
        What ran what.
    outputs
        By name.
    parts
        Of the machine.
    """

    design: Design
    plan: Plan
    outputs: Mapping[str, np.ndarray]
    parts: Sequence[PartOutcome]

    @property
    def cycles(self) -> int:
        """Of all parts of the machine."""
        return sum(part.outcome.cycles or 0 for part in self.parts)

    @property
    def layers(self) -> list[LayerFigures]:
        """Figures of each node on the machine."""
        return [layer for part in self.parts for layer in part.layers]

    @property
    def complaint(self) -> str:
        """What is wrong, in a line; empty if nothing is."""
        for part in self.parts:
            if part.outcome.complaint:
                return part.outcome.complaint
            if part.mismatches:
                return f"{part.mismatches:,} results differ from the network's golden execution"
        return ""

    @property
    def passed(self) -> bool:
        """Whether every result, every byte of memory and every counter is as the models say."""
        return not self.complaint


def run_network(
    design: Design,
    network: Network,
    inputs: Mapping[str, np.ndarray],
    *,
    simulator: "Simulator | None" = None,
    plan: Plan | None = None,
    timing: MemoryTiming | None = None,
    stages: Stages = silent,
) -> NetworkOutcome:
    """Run a network on a design.

    Parameters
    ----------
    design
        Of an engine that takes networks.
    network, inputs
        What to compute, of which arrays by name.
    simulator
        The design's compiled Verilog; None: the models answer.
    plan
        The network's on this design, if the caller has it.
    timing
        Of the memories.

    Raises
    ------
    UsageError
        For inputs that the network doesn't have, and what doesn't fit the machine.
    SimulationError, FailureError
        As of `Simulator.run`.
    """
    from ..execution import predict_program

    plan = plan or design.engine.plan_network(design.config, network)
    values = check_inputs(network, inputs)
    with stages("Computing the network by its golden execution"):
        golden = execute_all(network, values)
    found = []
    for part in plan.parts:
        if isinstance(part, HostPart):
            for node in part.nodes:
                values[node.result.name] = compute(node, *(values[source.name] for source in node.sources))
            continue
        program = part.program(golden | values)
        name = f"{len(part.nodes)} nodes"
        if simulator is None:
            outcome = predict_program(design, program, name, timing=timing, stages=stages)
        else:
            outcome, _ = simulator.run_program(program, name, timing=timing)
        results = part.unpack(outcome.output)
        wrong = sum(int(np.count_nonzero(array != golden[name])) for name, array in results.items())
        values |= results
        found.append(PartOutcome(part=part, program=program, outcome=outcome, timing=timing, mismatches=wrong))
    outputs = {value.name: values[value.name] for value in network.outputs}
    return NetworkOutcome(design=design, plan=plan, outputs=outputs, parts=found)
