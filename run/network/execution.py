"""Runs networks: parts of a machine on its Verilog, or answered by models, the host's between them."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...sim.memory_timing import MemoryTiming
from ...sim.network.execute import check_inputs, compute, execute_all
from ...sim.network.graph import Network, Node, Reshape
from ..progress import Stages, silent
from ..registry import Design
from .plan import HostPart, LayerFigures, MachinePart, Plan

if TYPE_CHECKING:
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
    program: Any
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
    def host_nodes(self) -> list[Node]:
        """What the host did, but for values seen otherwise."""
        nodes = [node for part in self.plan.parts if isinstance(part, HostPart) for node in part.nodes]
        return [node for node in nodes if not isinstance(node, Reshape)]

    @property
    def utilisation(self) -> float:
        """Useful multiply-accumulates as a share of cycles x multipliers."""
        macs = sum(part.outcome.macs for part in self.parts)
        return macs / max(1, self.cycles * self.design.config.multipliers)

    def figures(self) -> dict[str, Any]:
        """Values for JSON and tables."""
        outcomes = [part.outcome for part in self.parts]
        rtl = outcomes[0].source == "rtl"
        predicted = [one.predicted_cycles for one in outcomes]
        known = rtl and None not in predicted
        return {
            "source": outcomes[0].source,
            "bit_exact": not any(one.mismatches or one.wrong_bytes for one in outcomes) if rtl else None,
            "mismatches": sum(part.mismatches for part in self.parts),
            "programs": len(outcomes),
            "cycles": self.cycles,
            "predicted_cycles": None if None in predicted else sum(filter(None, predicted)),
            "equals_cycle_model": not any(one.differences for one in outcomes) if known else None,
            "macs": sum(one.macs for one in outcomes),
            "utilisation": round(self.utilisation, 6),
            "seconds": round(sum(one.seconds for one in outcomes), 3),
        }

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
    stall: float = 0.0,
    seed: int = 0,
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
    timing, stall, seed
        Of the memories, see `Simulator.run`.

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
            outcome, _ = simulator.run_program(program, name, timing=timing, stall=stall, seed=seed)
        results = part.unpack(outcome.output)
        wrong = sum(int(np.count_nonzero(array != golden[name])) for name, array in results.items())
        values |= results
        found.append(PartOutcome(part=part, program=program, outcome=outcome, timing=timing, mismatches=wrong))
    outputs = {value.name: values[value.name] for value in network.outputs}
    return NetworkOutcome(design=design, plan=plan, outputs=outputs, parts=found)
