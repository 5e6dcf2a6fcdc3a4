"""One direction of a convolution as stride-1 convolutions on sub-grids of its input."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

__all__ = ["Axis", "Phase"]


@dataclasses.dataclass(frozen=True)
class Phase:
    """Evenly spaced inputs and taps of one axis, of which only differences count.

    Input ``inputs[p]`` meets output ``output(p - t)`` with tap ``taps[t]``. A difference of ``shift + every * m`` has
    one, ``origin + step * m``, if that lies within the axis; others have none.

    Parameters
    ----------
    inputs, taps
        Input and kernel positions.
    every, shift
        Which differences have an output.
    origin, step
        Which one.
    outputs
        Outputs of the axis.
    """

    inputs: np.ndarray
    taps: np.ndarray
    every: int
    shift: int
    origin: int
    step: int
    outputs: int

    def output(self, difference: np.ndarray) -> np.ndarray:
        """Output positions for differences of indices, -1 where there is none."""
        number, rest = np.divmod(difference - self.shift, self.every)
        found = self.position(number)
        return np.where((rest == 0) & (found >= 0) & (found < self.outputs), found, -1)

    def position(self, number: np.ndarray) -> np.ndarray:
        """Output positions of the phase's outputs number `number`."""
        return self.origin + self.step * number

    @property
    def table(self) -> np.ndarray:
        """``[inputs, taps]``: output positions, -1 where there is none."""
        return self.output(np.arange(len(self.inputs))[:, None] - np.arange(len(self.taps)))

    @property
    def input_numbers(self) -> np.ndarray:
        """By input: minus the tap's of `tap_numbers`, it is the output's number."""
        return (np.arange(len(self.inputs)) - self.shift) // self.every

    @property
    def tap_numbers(self) -> np.ndarray:
        """By tap, see `input_numbers`."""
        return np.arange(len(self.taps)) // self.every

    @property
    def reach(self) -> int:
        """Outputs of the phase that lie between those of an input, inclusive, at most."""
        return (len(self.taps) - 1) // self.every + 1

    def part(self, begin: int, end: int) -> "Phase":
        """The same with taps from `begin` up to and without `end`."""
        carry, shift = divmod(self.shift + begin, self.every)
        origin = self.origin - self.step * carry
        return dataclasses.replace(self, taps=self.taps[begin:end], shift=shift, origin=origin)


@dataclasses.dataclass(frozen=True)
class Axis:
    """Sizes of a convolution in one direction.

    Parameters
    ----------
    size, kernel, outputs
        Inputs, taps and outputs.
    stride, padding, dilation
        As in `ConvolutionGeometry`; `padding` is that before the first input.
    """

    size: int
    kernel: int
    outputs: int
    stride: int
    padding: int
    dilation: int

    @property
    def period(self) -> int:
        """Distance of the taps that an input meets."""
        return self.stride // math.gcd(self.stride, self.dilation)

    def phases(self, every: int = 1) -> list[Phase]:
        """Split the axis so that of each phase's differences one in `every` has an output.

        Parameters
        ----------
        every
            A divisor of `period`: 1 for the polyphase components, which waste nothing; `period` for all taps together,
            as at stride 1 with outputs left out.
        """
        found = [
            phase
            for first in range(min(self.period // every, self.kernel))
            for phase in self._phases(np.arange(first, self.kernel, self.period // every), every)
        ]
        return sorted(found, key=lambda phase: (phase.inputs[0] % self.stride, phase.inputs[0]))

    def _phases(self, taps: np.ndarray, every: int) -> Iterator[Phase]:
        if len(taps) == 1:
            every, spacing = 1, self.stride
        else:
            spacing = self.dilation * int(taps[1] - taps[0])
        for start in range(min(spacing, self.size)):
            # Input p and tap t meet where first + spacing * (p - t) is a multiple of the stride.
            first = start + self.padding - self.dilation * int(taps[0])
            shift = next((at for at in range(every) if (first + spacing * at) % self.stride == 0), None)
            if shift is not None:
                yield Phase(
                    inputs=np.arange(start, self.size, spacing), taps=taps, every=every, shift=shift,
                    origin=(first + spacing * shift) // self.stride, step=spacing * every // self.stride,
                    outputs=self.outputs,
                )  # fmt: skip

    def inputs(self, tap: int, outputs: np.ndarray) -> np.ndarray:
        """Inputs that a tap meets for some outputs, -1 where there is none (or the output is -1)."""
        found = outputs * self.stride - self.padding + tap * self.dilation
        return np.where((outputs >= 0) & (found >= 0) & (found < self.size), found, -1)

    def reached(self, tap: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs that a tap meets, and the outputs for which it does."""
        outputs = np.arange(self.outputs)
        inputs = self.inputs(tap, outputs)
        return inputs[inputs >= 0], outputs[inputs >= 0]
