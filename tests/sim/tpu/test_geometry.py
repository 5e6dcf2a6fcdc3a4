import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.tpu.config import PRESETS
from tensorloom.hw.tpu.isa import SET_REGISTERS, encode
from tensorloom.sim.golden.convolution import convolution
from tensorloom.sim.golden.geometry import ConvolutionGeometry
from tensorloom.sim.golden.wrap import wrap
from tensorloom.sim.tpu.assembler import program_of
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.geometry import geometry
from tensorloom.sim.tpu.golden import run
from tensorloom.sim.tpu.rules import Room

TINY = PRESETS["tpu-tiny"]
CONFIGS = {"tiny": TINY, "16": PRESETS["tpu-16"], "64": PRESETS["tpu-64"]}


def column_groups(config, columns, pixel, dilation):
    """Columns of a kernel that one window holds side by side; those that lie apart come one by one."""
    most = config.row_granules // pixel if dilation == 1 else 1
    return [range(first, min(first + most, columns)) for first in range(0, columns, most)]


def random_sizes(rng, config):
    """Images and kernels with which all results fit the accumulators."""
    while True:
        n, height, width = (int(rng.integers(1, most)) for most in (4, 10, 10))
        channels = int(rng.integers(1, 2 * config.row_bytes + 1 if rng.random() < 0.5 else 10))
        kernel = [int(rng.choice([1, 2, 3, 3, 5, 7, 11])) for _ in range(2)]
        kernels = int(rng.integers(1, config.matrix.columns + 1))
        stride, dilation = (rng.integers(1, 4, 2).tolist() if rng.random() < 0.6 else 1 for _ in range(2))
        padding = tuple(rng.integers(0, 6, 4).tolist()) if rng.random() < 0.7 else 0
        x_shape, w_shape = (n, height, width, channels), (*kernel, channels, kernels)
        try:
            sizes = ConvolutionGeometry.of(x_shape, w_shape, stride, padding, dilation)
        except ConfigError:
            continue
        if sizes.product[0] <= config.matrix.accumulator_rows and x_shape[0] * height * width * channels < 6000:
            return x_shape, w_shape, sizes


def sets(values):
    return [encode("set", index=SET_REGISTERS[name], value=value) for name, value in values.items()]


class Convolution:
    """A program of one convolution, whose sums come as four byte planes.

    Parameters
    ----------
    base
        Row of the unified buffer where the images lie.
    starts
        First results of each block: image, line, column; and how many results it has.
    """

    def __init__(self, config, x, w, sizes, pad, base, starts):
        self.config, self.words, self.tiles, host = config, [], [], []
        rg, width, planes = config.row_granules, config.row_granules, []
        n, height, w_pixels, channels = x.shape
        at = base * rg
        for first in range(0, channels, config.row_bytes):
            part = x[..., first : first + config.row_bytes]
            pixel = -(-part.shape[-1] // 4)
            # what a pixel lacks to whole granules is multiplied by 0
            image = np.pad(part, ((0, 0), (0, 0), (0, 0), (0, 4 * pixel - part.shape[-1])), constant_values=99)
            granules = n * height * w_pixels * pixel
            self.words.append(
                encode("read_host", ub=at, granules=granules, host=sum(map(len, host)) // config.bus_bytes)
            )
            host.append(np.pad(image.reshape(-1).view(np.uint8), (0, -4 * granules % config.bus_bytes)))
            planes.append((at, pixel, w[:, :, first : first + config.row_bytes]))
            at += -(-granules // rg) * rg
        self.result = at
        rows = sizes.product[0]
        self.words += sets({"plane_step": rows * width})
        done = 0
        for (image, line, column), count in starts:
            last = planes[-1]
            for number, (plane, pixel, kernel) in enumerate(planes):
                groups = column_groups(config, sizes.kernel[1], pixel, sizes.dilation[1])
                for group in groups:
                    windows = geometry(
                        config, sizes, height, w_pixels, pixel=pixel, plane=plane, pad=pad, image=image, line=line,
                        column=column, tap=group.start,
                    )  # fmt: skip
                    drain = group == groups[-1] and plane == last[0]
                    self.add(windows, kernel[:, group.start : group.stop], pixel, count, drain, number or group.start)
            self.words.append(
                encode("activate", kind=2, planes=2, ub=at + done * width, rows=count, pitch=width, used=width)
            )
            done += count
        self.words += [
            encode("write_host", window=1, ub=at, granules=4 * rows * width),
            encode("halt"),
        ]
        self.host, self.rows = np.concatenate(host), rows

    def add(self, windows, kernel, pixel, count, drain, accumulate):
        """A convolve of a group of columns, in a slice."""
        config, (r, s, depth, kernels) = self.config, kernel.shape
        tiles = np.zeros((r, s, 4 * pixel, config.matrix.columns), np.int8)
        tiles[:, :, :depth, :kernels] = kernel
        fetch = {"tiles": 1, "rows": s * 4 * pixel, "chunks": config.row_chunks}
        convolve = encode(
            "convolve", **windows.start, rows=count, repeat=r, width=s * pixel, swap=2, w_signed=1, a_signed=1,
            drain=int(drain), accumulate=int(bool(accumulate)),
        )  # fmt: skip
        for k in range(r):
            self.words.append(encode("read_weights", **fetch, address=sum(map(len, self.tiles)) // config.bus_bytes))
            self.tiles.append(tiles[k].reshape(-1).view(np.uint8))
        self.words += [*sets(windows.registers), convolve]

    def sums(self):
        """What a machine with room for all tiles computes; it reads nothing that nobody wrote."""
        program, weights = program_of(self.words), np.concatenate(self.tiles)
        window = np.zeros(4 * self.rows * self.config.row_bytes, np.uint8)
        assert check_program(self.config, program, Room((self.host.size, window.size), weights.size)) == []
        found = run(self.config, program, host=[self.host, window], weights=weights)
        assert found.state == "halted"
        planes = found.host[1].reshape(4, self.rows, -1)
        return np.moveaxis(planes, 0, -1).copy().view("<i4")[..., 0]


def blocks(rng, sizes):
    """All results at once; or image by image, or in parts of images or of lines."""
    n, (lines, columns) = sizes.batch, sizes.output
    way = rng.integers(4)
    if way == 0:
        return [((0, 0, 0), n * lines * columns)]
    if way == 1:
        return [((image, 0, 0), lines * columns) for image in range(n)]
    if way == 2:
        cut = int(rng.integers(0, lines))
        parts = [(0, cut), (cut, lines)]
        return [((i, a, 0), (b - a) * columns) for i in range(n) for a, b in parts if a < b]
    cut = int(rng.integers(0, columns))
    parts = [(0, cut), (cut, columns)]
    return [((i, a, b), c - b) for i in range(n) for a in range(lines) for b, c in parts if b < c]


@pytest.mark.parametrize("name, number", [(name, number) for name in CONFIGS for number in range(10)])
def test_convolutions(name, number, seed):
    rng = np.random.default_rng([seed, number, list(CONFIGS).index(name)])
    config = CONFIGS[name].replace(ub_rows=1 << 15)
    config = config.replace(matrix=config.matrix.replace(weight_fifo_tiles=64))
    x_shape, w_shape, sizes = random_sizes(rng, config)
    x, w = (rng.integers(-128, 128, shape, np.int8) for shape in (x_shape, w_shape))
    pad = int(rng.integers(-128, 128))
    one = Convolution(config, x, w, sizes, pad, int(rng.integers(0, 5)), blocks(rng, sizes))
    top, bottom, left, right = sizes.padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=pad)
    expected = convolution(padded, w, stride=sizes.stride, dilation=sizes.dilation)
    np.testing.assert_array_equal(one.sums()[:, : w_shape[-1]], wrap(expected.reshape(one.rows, -1), 32))


@pytest.mark.parametrize(
    "x_shape, w_shape, steps, pixel, message",
    [
        ((1, 2, 1 << 13, 4), (1, 1, 4, 4), {}, 1, "columns must be of 12 bits, not 8192"),
        ((1, 4096, 2, 4), (5, 1, 4, 4), {}, 1, "height must be of 12 bits, not 4096"),
        ((1, 4000, 5000, 4), (1, 4000, 4, 4), {}, 64, "image_step must be of 24 bits"),
        ((1, 2, 2, 4), (1, 1, 4, 4), {"padding": (2050, 0, 0, 0)}, 1, "y must be from -2048 to 2047, not -2050"),
        ((1, 2, 2, 4), (1, 1, 4, 4), {"padding": (0, 0, 600, 0)}, 64, "x must be from -32768 to 32767, not -38400"),
    ],
)
def test_what_has_no_place(x_shape, w_shape, steps, pixel, message):
    sizes = ConvolutionGeometry.of(x_shape, w_shape, **steps)
    with pytest.raises(ConfigError, match=message):
        geometry(TINY, sizes, x_shape[1], x_shape[2], pixel=pixel, plane=0)
