"""The contract of an engine: what it must provide so that everything else works with it by no name.

An engine is one object of a subclass of `Engine`, called ``ENGINE`` in ``run/<engine>/engine.py``; `registry` finds it
there. That module imports only configurations at its top, so that help and lists start at once.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from ..fpga.target import FpgaTarget
from ..hw.config import Config
from .jobs import Job, golden
from .papers import PaperFigure

if TYPE_CHECKING:
    import numpy as np
    from amaranth.lib import wiring

    from ..hw.bus.register_map import RegisterMap
    from ..sim.counters import Counters
    from ..sim.energy import Event
    from ..sim.memory_timing import MemoryTiming
    from ..sim.network.graph import Network
    from ..sim.workloads.layers import LayerShape
    from ..tb.area import AreaReport
    from ..tb.bulk.software import Step
    from .demonstration import Demonstration
    from .execution import Simulator
    from .network.plan import Plan
    from .progress import Stages
    from .registry import Design

__all__ = ["Engine", "Image", "Program", "Table", "Trial"]

ConfigT = TypeVar("ConfigT", bound=Config)
ProgramT = TypeVar("ProgramT", bound="Program")
CountersT = TypeVar("CountersT", bound="Counters")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Image:
    """What lies behind an engine's memory ports; the same image behind several is one memory.

    Parameters
    ----------
    before, after
        Bytes by their place in the memory, before the run and after it. What `before` doesn't name is random, what
        `after` doesn't name may be anything.
    size
        Bytes of the memory; an access beyond them is answered with an error.
    origin
        Address of the first one.
    """

    before: Mapping[int, bytes]
    after: Mapping[int, bytes]
    size: int
    origin: int = 0


class Table(NamedTuple):
    """A table to print.

    Parameters
    ----------
    title, columns, rows
        Its head, and texts or numbers.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


class Program(Protocol):
    """A job mapped onto an engine: everything that its ports carry, and what comes back."""

    def inputs(self) -> Mapping[str, Any]:
        """Beats of each input stream by its name in the manifest, as `tb.bulk.model.Model.run` takes them."""
        ...

    def outputs(self) -> Mapping[str, int]:
        """Number of beats that each output stream gives."""
        ...

    def memories(self) -> Mapping[str, Image]:
        """What lies behind each memory port by its name; empty for an engine that has streams alone."""
        ...

    def software(self) -> "Sequence[Step]":
        """What software does with the engine's registers, `s_axil`: start it, wait, read counters and errors."""
        ...

    def assemble(self, outputs: Mapping[str, Any]) -> "np.ndarray":
        """Put the result together from the beats of the output streams, and the bytes of memories by port."""
        ...

    def golden(self) -> "np.ndarray":
        """The result that streams and memories stand for, from their formats alone, without the hardware."""
        ...


class Trial(NamedTuple):
    """A program that is no job, and what it must give, for a design that may have a fault.

    Parameters
    ----------
    program
        Its `golden` is the result.
    registers
        Values that software must have read, by name.
    counted
        Whether the cycle model predicts its counters.
    agree
        Whether values that software has read fit together, where each alone depends on when something went wrong.
    """

    program: Program
    registers: Mapping[str, int]
    counted: bool
    agree: Callable[[Mapping[str, int]], bool] = lambda _: True


class Engine(ABC, Generic[ConfigT, ProgramT, CountersT]):
    """An accelerator and what can be done with it.

    Attributes
    ----------
    name, title
        Its name in commands, and what it is. Folders and modules have ``_`` in it where commands have ``-``.
    position
        Place in lists.
    config_class, presets
        Its configuration; the first preset is the engine's own size.
    causes
        What happens in the cycles of each share of ``where_cycles_went()``, by its name. The first is work, the others
        are waits.
    demo_presets
        Presets that the demonstration runs if none is asked for.
    examples
        Lines for the help of commands, by command.
    fpga
        How it gets onto boards, or None.
    paper_figures
        Figures of papers that `reproduce` puts ours beside, by name.
    frames
        Names of networks that `run_frame` knows; none if it runs none.
    others
        Names of simulators of other people that `beside` runs; none if it runs none.
    memory_names
        What `assemble` gives a program to work on; none if it runs no programs of its users.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    position: ClassVar[int]
    config_class: type[ConfigT]
    presets: Mapping[str, ConfigT]
    causes: ClassVar[Mapping[str, str]] = {}
    demo_presets: ClassVar[Sequence[str]] = ()
    examples: ClassVar[Mapping[str, Sequence[str]]] = {}
    fpga: ClassVar[FpgaTarget | None] = None
    paper_figures: ClassVar[Mapping[str, PaperFigure]] = {}
    frames: ClassVar[Sequence[str]] = ()
    others: ClassVar[Sequence[str]] = ()
    memory_names: ClassVar[Sequence[str]] = ()

    @abstractmethod
    def summary(self, config: ConfigT) -> str:
        """One line about a configuration."""

    @abstractmethod
    def figures(self, config: ConfigT) -> dict[str, int]:
        """Key figures of a configuration by name, ``multipliers`` first: all of the machine."""

    @abstractmethod
    def component(self, config: ConfigT) -> "wiring.Component":
        """The Amaranth component."""

    @abstractmethod
    def map(self, config: ConfigT, job: Job) -> ProgramT:
        """Map a job onto the engine.

        Raises
        ------
        TypeError, ConfigError
            Saying which tensor or parameter doesn't fit.
        """

    def weight_values(self, config: ConfigT) -> int | None:
        """How many different weights beside 0 a job may have; None if any. Random jobs heed it."""
        return None

    def assemble(self, config: ConfigT, text: str, memories: Mapping[str, bytes]) -> ProgramT:
        """Make a program of its text and of the contents of memories (`memory_names`), empty if not given.

        Raises
        ------
        ConfigError
            Saying where the text is wrong, or which instruction is illegal and why.
        """
        raise NotImplementedError

    @property
    def takes_networks(self) -> bool:
        """Whether `plan_network` is there."""
        return type(self).plan_network is not Engine.plan_network

    def plan_network(self, config: ConfigT, network: "Network") -> "Plan":
        """What of a network from a file the engine does, and what the host does.

        Raises
        ------
        ModelError
            Naming all nodes with weights that it can't do, and why.
        ConfigError
            Saying what doesn't fit, and by how much.
        """
        raise NotImplementedError

    def trials(self, config: ConfigT, seed: int) -> Iterable[Trial]:
        """Random programs that no job makes, for designs with planted faults."""
        return ()

    def contents(self, program: ProgramT, outputs: Mapping[str, Any]) -> dict[str, bytes]:
        """What the memories hold that such a program may have written, from the outputs of a run."""
        raise NotImplementedError

    @abstractmethod
    def predict(self, config: ConfigT, program: ProgramT, timing: "MemoryTiming | None" = None) -> CountersT:
        """Counters of the cycle model, for streams that never stall and memories of this timing.

        Without one, memories are as fast as the default of `MemoryTiming`. An engine without a cycle model has
        ``cycles`` of None, and counters that are known all the same.
        """

    @abstractmethod
    def read_counters(self, ports: Mapping[str, Any]) -> CountersT:
        """Counters from the values of the output ports that belong to no stream, and of what software read."""

    @abstractmethod
    def complaint(self, ports: Mapping[str, Any], *, wraps: bool) -> str:
        """What error outputs, and registers that software read, say of a run; empty if nothing is wrong.

        Parameters
        ----------
        ports
            Their values by name.
        wraps
            Whether sums may wrap around.
        """

    @abstractmethod
    def data_bits(self, config: ConfigT) -> int:
        """Width of an operand."""

    @abstractmethod
    def sum_bits(self, config: ConfigT) -> int:
        """Width of a result; where the user accepts it, sums wrap modulo 2**sum_bits."""

    def expected(self, config: ConfigT, job: Job) -> "np.ndarray":
        """The result of a job by the golden models of the maths, int64, as the engine gives it: its sums."""
        from ..sim.golden.wrap import wrap

        return wrap(golden(job), self.sum_bits(config)) if job.wraps else golden(job)

    @abstractmethod
    def macs(self, program: ProgramT, counters: CountersT) -> int:
        """Useful multiply-accumulates of a run; whether zeros count is the engine's to say."""

    def job_figures(self, config: ConfigT, job: Job, program: ProgramT, counters: CountersT) -> dict[str, Any]:
        """Further figures of a job, for tables and JSON."""
        return {}

    def energy_events(self, config: ConfigT, counters: CountersT) -> "Sequence[Event]":
        """What takes energy, by the counters of the cycle model; empty if nobody knows."""
        return ()

    def registers(self, config: ConfigT) -> "RegisterMap | None":
        """The registers behind its port `s_axil`, or None if it has none."""
        return None

    @abstractmethod
    def demonstrate(self, simulator: "Simulator") -> "Demonstration":
        """Run real input on the Verilog."""

    @abstractmethod
    def benchmark(self, stages: "Stages", *, quick: bool) -> dict[str, Any]:
        """Measure the engine; values for JSON."""

    def tables(self, figures: dict[str, Any]) -> "list[Table]":
        """What `benchmark` gave as tables to read; none: each figure is printed by its name."""
        return []

    def reproduce(self, name: str, stages: "Stages") -> dict[str, Any]:
        """Values of one of `paper_figures`, by what they are: those that were published, and others beside them."""
        raise NotImplementedError

    def run_frame(
        self,
        design: "Design",
        network: str,
        *,
        layers: Sequence[str] = (),
        seed: int = 0,
        model_only: bool = False,
        workers: int = 2,
        scheduler: str | None = None,
        folder: Path | None = None,
        stages: "Stages",
    ) -> dict[str, Any]:
        """Run a whole network of random weights, unit by unit, spread over processes; values for JSON.

        Parameters
        ----------
        design, network
            What runs on what: one of `frames`.
        layers
            Names of the only units that are wanted; by default all.
        seed
            Of weights and images.
        model_only
            Ask the cycle model alone.
        workers
            Processes of this machine.
        scheduler
            Address of a scheduler of ``dask.distributed`` whose workers are taken instead.
        folder
            Where finished units are kept, and found; by default a place in the cache for exactly this run.
        stages
            Where progress is shown.

        Raises
        ------
        UsageError
            For unknown names, a scheduler that can't be used, and a folder with results of something else.
        FailureError
            If anything differs from the models.
        """
        raise NotImplementedError

    def frame_tables(self, figures: dict[str, Any]) -> "list[Table]":
        """What `run_frame` gave as tables to read."""
        raise NotImplementedError

    def beside(self, other: str, design: "Design", layers: "Sequence[LayerShape]", stages: "Stages") -> dict[str, Any]:
        """Figures of layers by one of `others`, and by the cycle model beside them; values for JSON.

        Raises
        ------
        FailureError
            If the other simulator is missing.
        """
        raise NotImplementedError

    def beside_tables(self, figures: dict[str, Any]) -> "list[Table]":
        """What `beside` gave as tables to read."""
        raise NotImplementedError

    @property
    def plots(self) -> bool:
        """Whether `plot` draws something."""
        return type(self).plot is not Engine.plot

    def plot(self, figures: dict[str, Any]) -> str:
        """SVG text of what `benchmark` gave."""
        raise NotImplementedError

    @property
    def walks(self) -> bool:
        """Whether `walk` and `draw_walk` are there."""
        return type(self).walk is not Engine.walk

    def walk(self, config: ConfigT, job: Job) -> dict[str, Any]:
        """Samples of all that is in a small machine while it computes a small job, step by step; values for JSON.

        Raises
        ------
        ConfigError
            Saying what is too large to be drawn, or which tensor doesn't fit.
        """
        raise NotImplementedError

    @property
    def explores(self) -> bool:
        """Whether `explore` is there."""
        return type(self).explore is not Engine.explore

    def explore(self, config: ConfigT, job: Job) -> dict[str, Any]:
        """Record a small job in simulation, for a page that steps through it: values for JSON.

        Returns
        -------
        dict
            ``rows`` and ``columns`` of PEs; ``labels`` of what is at the ``left``, on ``top`` and comes ``out``;
            names of ``outputs``; ``steps``, one a cycle. A step has texts ``left`` by row, ``top`` by column, ``out``
            by output, and ``cells`` by row and column: ``state``, one of `causes`; ``queue``, how many lists wait, or
            None; ``lines``, texts; ``pairs``, the operands that are multiplied, first of each.

        Raises
        ------
        ConfigError
            Saying what is too large to be looked at, or which tensor doesn't fit.
        """
        raise NotImplementedError

    def draw_walk(self, figures: dict[str, Any]) -> str:
        """SVG text of what `walk` gave."""
        raise NotImplementedError

    def area_shares(self, report: "AreaReport") -> dict[str, float]:
        """Shares of what is of interest in the area, by name."""
        return {}

    @property
    def folder(self) -> Path:
        """Folder of the descriptor."""
        return Path(__file__).parent / self.package

    @property
    def package(self) -> str:
        """What its folders are called."""
        return self.name.replace("-", "_")
