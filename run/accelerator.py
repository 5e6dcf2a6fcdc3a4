"""What ``import tensorloom`` gives: an accelerator to configure, write as Verilog, and run tensors on."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsFloat, SupportsIndex

from ..hw.config import Config, check, check_bool
from ..hw.errors import ConfigError, FailureError, did_you_mean, wrong_type
from .emission import write_design
from .execution import Outcome, Simulator, predict
from .files import to_path
from .jobs import Job, check_pauses
from .progress import Stages, Update, silent
from .registry import Design, design_name, engines, find_preset, preset_names
from .tensors import to_tensor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..sim.golden.geometry import ConvolutionSteps, Padding, Steps

__all__ = ["Accelerator", "engine", "presets"]


def presets() -> dict[str, str]:
    """All presets with a line about each, by name."""
    return {name: one.summary(config) for one in engines().values() for name, config in one.presets.items()}


def engine(name: str, /, *, progress: Callable[[str], None] | None = None, **fields: Any) -> "Accelerator":
    """Get an accelerator.

    Parameters
    ----------
    name
        A preset, such as ``"tiny"`` (`presets` lists them), or an engine for its first preset.
    progress
        Called with a line about what is being done, such as `print`; nothing is said by default.
    fields
        Fields of the configuration to change.

    Raises
    ------
    ConfigError
        If there is no such preset or field, or a value breaks a rule.

    Examples
    --------
    >>> import tensorloom as tl
    >>> tl.engine("tiny", rows=8).config.multipliers
    32
    """
    if progress is not None and not callable(progress):
        raise wrong_type("progress", "a function of one text", progress)
    design = find_preset(name) if isinstance(name, str) else None
    if design is None:
        names = preset_names()
        hint = did_you_mean(name, names)
        raise ConfigError(
            f"preset must be one of {', '.join(names)}, not {name!r:.80}", hint, field="preset", value=name
        )
    return Accelerator(design, progress).configure(**fields)


class Accelerator:
    """An engine of some configuration; made by `engine`.

    Its Verilog is emitted and compiled when it is first needed, and kept in the user's cache.
    """

    def __init__(self, design: Design, progress: Callable[[str], None] | None = None) -> None:
        self._design, self._progress = design, progress
        self._simulator: Simulator | None = None

    def __repr__(self) -> str:
        return f"<{self._design.name}: {self._design.engine.summary(self._design.config)}>"

    @property
    def name(self) -> str:
        """The preset's name, followed by what was changed."""
        return self._design.name

    @property
    def config(self) -> Config:
        """The configuration: frozen, with `replace`, `to_dict` and `to_toml`."""
        return self._design.config

    def configure(self, **fields: Any) -> "Accelerator":
        """The same accelerator with some fields changed.

        Raises
        ------
        ConfigError
            For an unknown field, or a value that breaks a rule.
        """
        config, name = self._design.config.replace(**fields), design_name(self._design.name, fields)
        return Accelerator(Design(engine=self._design.engine, name=name, config=config), self._progress)

    def verilog(
        self,
        folder: Path | str,
        *,
        prefix: str = "",
        split: bool = False,
        axi_stream: bool = False,
        clock_mhz: SupportsFloat = 100.0,
    ) -> list[Path]:
        """Write what ``tensorloom verilog`` writes.

        That is the Verilog, lint waivers for Verilator, a manifest of ports and streams, a SystemVerilog package, a
        FuseSoC core file, an IP-XACT component, and timing constraints.

        Parameters
        ----------
        folder
            Where to; made if it isn't there. Files that are already equal are left untouched.
        prefix
            Put before the names of all modules.
        split
            Write one file a module.
        axi_stream
            Write a module around the design too whose streams are AXI4-Stream; core file, component and constraints
            are then those of this module.
        clock_mhz
            Clock in the timing constraints, in MHz.

        Returns
        -------
        list of Path
            The files, Verilog first.

        Raises
        ------
        PathError
            If the folder can't be written to: said before any work where it can be known.
        ConfigError
            If names of Verilog can't begin with the prefix, the clock is out of range, or a design with `axi_stream`
            has no streams.
        """
        path = to_path(folder, "folder")
        _, paths = write_design(
            self._design, path, prefix=prefix, split=split, axi_stream=axi_stream, clock_mhz=clock_mhz,
            stages=self._stages,
        )  # fmt: skip
        return paths

    def matmul(
        self,
        a: "npt.ArrayLike",
        b: "npt.ArrayLike",
        *,
        model_only: bool = False,
        wraps: bool = False,
        stall: SupportsFloat = 0.0,
        seed: SupportsIndex = 0,
    ) -> Outcome[Any]:
        """Multiply `a`, activations M x K, by `b`, weights K x N.

        Parameters
        ----------
        a, b
            Arrays of integers of a type that the engine holds, or nested lists: those become the narrowest of int8,
            uint8, int16 and uint16 that holds their numbers.
        model_only
            Answer from the golden model and the cycle model: no Verilog and no compiler.
        wraps
            Accept sums that wrap around in the accumulators.
        stall, seed
            Probability that a stream pauses in a cycle, and seed of the pauses.

        Returns
        -------
        Outcome
            ``output`` is M x N, int64; beside it ``cycles``, ``utilisation``, ``where_cycles_went()``, ``counters``.

        Raises
        ------
        ConfigError
            For tensors and other values that don't fit; a `WrongTypeError`, which is a `TypeError` too, for types.
        FailureError
            If the Verilog differs from its models, which would be a fault of this package.
        """
        left, right = to_tensor("a", a), to_tensor("b", b)
        name = f"product {_text(left)} by {_text(right)}"
        job = Job(name=name, a=left, b=right, wraps=check_bool("wraps", wraps))
        return self._run(job, model_only, stall, seed)

    def convolution(
        self,
        x: "npt.ArrayLike",
        w: "npt.ArrayLike",
        *,
        stride: "Steps" = 1,
        padding: "Padding" = 0,
        dilation: "Steps" = 1,
        groups: int = 1,
        model_only: bool = False,
        wraps: bool = False,
        stall: SupportsFloat = 0.0,
        seed: SupportsIndex = 0,
    ) -> Outcome[Any]:
        """Convolve images with kernels.

        Parameters
        ----------
        x
            Activations: N x H x W x C integers, or H x W x C for one image.
        w
            Weights: R x S x C / groups x K integers.
        stride, dilation
            One number, or one down and one across.
        padding
            Zeros around an image: one number, or one for each side: top, bottom, left and right.
        groups
            Groups of channels; each kernel sees the channels of its group.
        model_only, wraps, stall, seed
            See `matmul`.

        Returns
        -------
        Outcome
            ``output`` is N x X x Y x K (X x Y x K for one image), int64; the rest as of `matmul`.

        Raises
        ------
        ConfigError, FailureError
            See `matmul`.
        """
        images, kernels = to_tensor("x", x), to_tensor("w", w)
        check("x", images.ndim in (3, 4), "of shape N x H x W x C or H x W x C", images.shape)
        steps: ConvolutionSteps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        whole = images if images.ndim == 4 else images[None]
        name, wraps = f"convolution {_text(images)} by {_text(kernels)}", check_bool("wraps", wraps)
        job = Job(name=name, a=whole, b=kernels, convolution=steps, wraps=wraps, names=("x", "w"))
        outcome = self._run(job, model_only, stall, seed)
        return outcome if images.ndim == 4 else dataclasses.replace(outcome, output=outcome.output[0])

    def sweep(
        self,
        fields: Mapping[str, Sequence[Any]],
        *,
        layers: Sequence[str],
        densities: Sequence[tuple[float, float]] = ((1.0, 1.0),),
        skip: bool = False,
        area: bool = False,
        rtl: int = 0,
        seed: int = 1,
        workers: int = 1,
        scheduler: str | None = None,
        folder: Path | str | None = None,
    ) -> list[dict[str, Any]]:
        """Run layers of known networks on every combination of fields' values and densities, by the models.

        Finished points are kept, and aren't run again.

        Parameters
        ----------
        fields
            Values by the path of a field, as ``{"psum_slots": [8, 16], "core.core_rows": [5, 7]}``.
        layers
            Names of layers, or of networks for all of theirs.
        densities
            Shares of activations and of weights that aren't zero.
        skip
            Leave combinations out that break a rule of the configuration.
        area
            Measure the area of each configuration too, in two-input NAND gates: a minute or two for a big one.
        rtl
            So many points run on the Verilog too, and everything is compared.
        seed
            Of random tensors, and of the points for the Verilog.
        workers, scheduler
            Processes of this machine, or the address of a scheduler of ``dask.distributed``.
        folder
            Where finished points are kept; by default in the cache.

        Returns
        -------
        list of dict
            A row for each configuration, densities and size of a layer; ``count`` is how many layers have it.
            `run.sweep.sweep.totals` puts the layers of a configuration together.

        Raises
        ------
        ConfigError
            For an unknown field or layer, and a combination that breaks a rule; before anything runs.
        FailureError
            If the Verilog differs from its models.
        """
        from .sweep.points import find_layers, make_points
        from .sweep.sweep import run_sweep

        points = make_points(self._design, fields, find_layers(layers), densities, skip=check_bool("skip", skip))
        path = None if folder is None else to_path(folder, "folder")
        return run_sweep(
            points, seed=seed, rtl=rtl, area=check_bool("area", area), workers=workers, scheduler=scheduler,
            folder=path, stages=self._stages,
        )  # fmt: skip

    def _run(self, job: Job, model_only: bool, stall: SupportsFloat, seed: SupportsIndex) -> Outcome[Any]:
        stall, seed = check_pauses(stall, seed)
        if check_bool("model_only", model_only):
            check("stall", stall == 0, "0 with model_only: the cycle model's streams don't pause", stall)
            return predict(self._design, job, stages=self._stages)
        program = self._design.engine.map(self._design.config, job)  # before anything that takes long
        if self._simulator is None:
            self._simulator = Simulator(self._design, stages=self._stages)
        outcome = self._simulator.run(job, program, stall=stall, seed=seed)
        if not outcome.passed:
            raise FailureError(f"{job.name} on {self.name}: {outcome.complaint}")
        return outcome

    @property
    def _stages(self) -> Stages:
        return _told(self._progress) if self._progress else silent


def _told(progress: Callable[[str], None]) -> Stages:
    """Stages that say a line each, and a line for each detail."""

    @contextmanager
    def stages(title: str, /) -> Iterator[Update]:
        progress(title)
        yield lambda detail, fraction=None, /: progress(f"{title}: {detail}")

    return stages


def _text(tensor: "np.ndarray") -> str:
    return "x".join(map(str, tensor.shape))
