"""Programs written by hand, compared with numpy."""

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.hw.tpu.config import PRESETS, TpuConfig
from tensorloom.sim.golden.matmul import matmul
from tensorloom.sim.golden.requantize import requantize
from tensorloom.sim.golden.wrap import wrap
from tensorloom.sim.tpu.assembler import assemble
from tensorloom.sim.tpu.check import check_program
from tensorloom.sim.tpu.golden import SET_ENTRY, run
from tensorloom.sim.tpu.rules import Room

TINY = PRESETS["tpu-tiny"]


class Memory:
    """Puts arrays one behind the other, each at a beat."""

    def __init__(self, config: TpuConfig):
        self.config, self.parts, self.beats = config, [], 0

    def put(self, array):
        """Beat at which it lies."""
        size, at = self.config.bus_bytes, self.beats
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        self.parts.append(np.pad(flat, (0, -flat.size % size)))
        self.beats += self.parts[-1].size // size
        return at

    @property
    def bytes(self):
        return np.concatenate(self.parts) if self.parts else np.zeros(0, np.uint8)


def execute(config, text, host, weights):
    """Run a program in which nothing is wrong."""
    program = assemble(text)
    assert check_program(config, program, Room((len(host[0]), len(host[1])), len(weights))) == []
    found = run(config, program, host=host, weights=weights)
    assert (found.state, found.code, found.problem) == ("halted", 0, None)
    return found


def parameter_sets(config, rng, n):
    """A set for each tile of columns, and bias and factor of all columns."""
    width = config.matrix.columns
    entries = np.zeros(-(-n // width) * width, SET_ENTRY)
    entries["bias"], entries["factor"] = (
        rng.integers(-3000, 3000, entries.size),
        np.exp(rng.uniform(-9, -5, entries.size)),
    )
    return entries


def pitch_of(config, tile, n):
    """Granules of a row in a slice of a tensor of n columns."""
    return -(-min(config.row_bytes, n - tile * config.row_bytes) // 4)


def slices(config, ub, rows, n):
    """First granule of each slice of a tensor that begins at a granule."""
    return [ub + tile * rows * config.row_granules for tile in range(-(-n // config.row_bytes))]


def layer(config, memory, m, source, target, w, entries, zero, lo, hi, a_signed):
    """Lines of one fully connected layer: all full tiles of K at once, and what is left of K by itself."""
    size, (k, n) = config.matrix.rows, w.shape
    lines = []
    inputs, outputs = slices(config, source, m, k), slices(config, target, m, n)
    kind = "uint8" if hi > 127 else "int8"
    for column, output in enumerate(outputs):
        part = w[:, column * size : (column + 1) * size]
        row = -(-part.shape[1] // config.bus_bytes) * config.bus_bytes
        image = np.pad(part, ((0, 0), (0, row - part.shape[1])))
        full, rest = divmod(k, size)
        flags = f"rows={m} w_signed {'a_signed' if a_signed else ''}"
        width = config.row_granules
        address = memory.put(image)
        chunks = row // config.bus_bytes
        if full:
            lines.append(f"read_weights tiles={full} rows={size} chunks={chunks} address={address}")
        if rest:
            behind = address + full * size * chunks
            lines.append(f"read_weights tiles=1 rows={rest} chunks={chunks} address={behind}")
        lines.append(f"read_parameters count=1 address={memory.put(entries[column * size : (column + 1) * size])}")
        if full:
            drain = "" if rest else "drain"
            step = m * width
            lines.append(f"matmul ub={inputs[0]} repeat={full} step={step} pitch={width} swap=every {flags} {drain}")
        if rest:
            more = "accumulate" if full else ""
            pitch = pitch_of(config, full, k)
            lines.append(f"matmul ub={inputs[-1]} repeat=1 pitch={pitch} swap=first {flags} {more} drain")
        pitch = pitch_of(config, column, n)
        clip = f"zero={zero} lo={lo} hi={hi}"
        lines.append(f"activate next kind={kind} ub={output} rows={m} pitch={pitch} used={pitch} {clip}")
    return lines


@pytest.mark.parametrize(
    "preset, m, sizes",
    [
        ("tpu-tiny", 1, [8, 8]),
        ("tpu-tiny", 9, [20, 12]),
        ("tpu-tiny", 12, [3, 29, 7]),
        ("tpu-16", 7, [40, 33, 16, 50]),
        ("tpu-64", 20, [100, 70, 10]),
        ("tpu-v1", 200, [600, 300]),
        ("tpu-v1", 1, [256, 512, 10]),
    ],
)
def test_fully_connected_layers(preset, m, sizes, seed):
    config, rng = PRESETS[preset], np.random.default_rng(seed)
    memory, host, lines, reads = Memory(config), Memory(config), [], []
    x = rng.integers(0, 256, (m, sizes[0]), np.uint8)
    room = -(-max(sizes) // config.row_bytes) * m * config.row_granules
    for tile, ub in enumerate(slices(config, 0, m, sizes[0])):
        pitch = pitch_of(config, tile, sizes[0])
        part = x[:, tile * config.row_bytes : (tile + 1) * config.row_bytes]
        # what lies between a row and its pitch would count if weights there were not 0
        part = np.pad(part, ((0, 0), (0, 4 * pitch - part.shape[1])), constant_values=77)
        reads.append(f"read_host ub={ub} granules={m * pitch} host={host.put(part)}")
    expected = x
    for number, (k, n) in enumerate(zip(sizes, sizes[1:], strict=False)):
        w, entries = rng.integers(-128, 128, (k, n), np.int8), parameter_sets(config, rng, n)
        signed = bool(number % 2)  # of the results: of every other layer
        lo, hi = (-128, 127) if signed else (0, 255)
        lo, hi = lo + number * 5, hi - number * 9
        hi = max(hi, 128) if not signed else hi
        zero = -20 if signed else 11
        source, target = number % 2 * room, (number + 1) % 2 * room
        lines += layer(config, memory, m, source, target, w, entries, zero, lo, hi, expected.dtype == np.int8)
        sums = matmul(expected, w) + entries["bias"][:n]
        values = requantize(sums, entries["factor"][:n], zero, np.int8 if signed else np.uint8)
        expected = np.clip(values, lo, hi)
        assert len(np.unique(expected)) > 4
    writes, at, places = [], 0, []
    for tile, ub in enumerate(slices(config, (len(sizes) - 1) % 2 * room, m, sizes[-1])):
        granules = m * pitch_of(config, tile, sizes[-1])
        writes.append(f"write_host window=1 ub={ub} granules={granules} host={at}")
        places.append((at * config.bus_bytes, granules * 4))
        at += -(-granules // config.bus_granules)
    found = execute(
        config, "\n".join([*reads, *lines, *writes, "halt"]), [host.bytes, bytes(at * config.bus_bytes)], memory.bytes
    )
    parts = [found.host[1][at : at + size].reshape(m, -1) for at, size in places]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1)[:, : sizes[-1]].view(expected.dtype), expected)


def products(config, text, x, tiles):
    """All 32 bits of the sums of a program that drains 6 rows at its end."""
    rows = config.row_granules * 6
    text = f"""
        set index=plane_step value={rows}
        read_host granules={x.size // 4}
        read_weights tiles={len(tiles)} rows={config.matrix.rows} chunks={config.row_chunks}
        {text}
        activate kind=raw planes=2 ub=0x400 rows=6 pitch={config.row_granules} used={config.row_granules}
        write_host window=1 ub=0x400 granules={4 * rows}
        halt"""
    found = execute(config, text, [x.reshape(-1).view(np.uint8), bytes(16 * rows)], tiles.reshape(-1).view(np.uint8))
    assert found.written.sum() == x.nbytes // 4 * 4 + 16 * rows
    planes = found.host[1].reshape(4, 6, config.row_bytes)
    return np.moveaxis(planes, 0, -1).copy().view("<i4")[..., 0]


def test_accumulators_wrap(seed):
    rng = np.random.default_rng(seed)
    x, tile = rng.integers(200, 256, (6, 8), np.uint8), rng.integers(100, 128, (1, 8, 8), np.int8)
    lines = ["matmul rows=6 repeat=1 pitch=2 swap=first w_signed shift=3"]
    lines += ["matmul rows=6 repeat=1 pitch=2 accumulate shift=2 drain"]
    exact = matmul(x, tile[0]) * ((1 << 24) + (1 << 16))
    assert exact.min() > 1 << 31
    np.testing.assert_array_equal(products(TINY, "\n".join(lines), x, tile), wrap(exact, 32))


def test_byte_planes_of_16_bit_activations(seed):
    rng = np.random.default_rng(seed)
    x, tile = rng.integers(-(1 << 15), 1 << 15, (6, 8), np.int16), rng.integers(-128, 128, (1, 8, 8), np.int8)
    planes = np.stack([x & 0xFF, x >> 8 & 0xFF]).astype(np.uint8)
    text = """matmul rows=6 repeat=1 pitch=2 swap=first w_signed
        matmul ub=12 rows=6 repeat=1 pitch=2 accumulate a_signed shift=1 drain"""
    np.testing.assert_array_equal(products(TINY, text, planes, tile), matmul(x, tile[0]))


def test_byte_planes_of_both_operands(seed):
    """Four commands on two tiles; the third doesn't say that its tile's bytes are unsigned, as only a swap does."""
    rng = np.random.default_rng(seed)
    x, w = (rng.integers(-(1 << 15), 1 << 15, shape, np.int16) for shape in ((6, 8), (8, 8)))
    planes, tiles = (np.stack([a & 0xFF, a >> 8 & 0xFF]).astype(np.uint8) for a in (x, w))
    text = """matmul rows=6 acc=9 repeat=1 pitch=2 swap=first
        matmul ub=12 rows=6 acc=9 repeat=1 pitch=2 accumulate a_signed shift=1 w_signed
        matmul rows=6 acc=9 repeat=1 pitch=2 accumulate shift=1 swap=first w_signed
        matmul ub=12 rows=6 acc=9 repeat=1 pitch=2 accumulate a_signed shift=2 drain"""
    np.testing.assert_array_equal(products(TINY, text, planes, tiles), wrap(matmul(x, w), 32))


def test_repeat_and_swap(seed):
    """`every` takes a tile for each command, `first` one for all; all commands but the first add."""
    rng = np.random.default_rng(seed)
    x, tiles = rng.integers(0, 256, (15, 8), np.uint8), rng.integers(0, 256, (3, 8, 8), np.uint8)
    text = """matmul rows=6 repeat=1 pitch=2 swap=first
        matmul ub=2 rows=6 repeat=2 step=5 pitch=2 swap=every drain"""
    flat = np.concatenate([x.reshape(-1), np.zeros(8, np.uint8)])
    rows = [flat[4 * at : 4 * at + 48].reshape(6, 8) for at in (0, 2, 7, 12)]
    np.testing.assert_array_equal(products(TINY, text, x, tiles), matmul(rows[1], tiles[1]) + matmul(rows[2], tiles[2]))
    text = "matmul swap=every rows=1 repeat=2 pitch=1\nmatmul ub=2 rows=6 repeat=3 step=5 pitch=2 swap=first drain"
    total = sum((matmul(one, tiles[2]) for one in rows[2:]), matmul(rows[1], tiles[2]))
    np.testing.assert_array_equal(products(TINY, text, x, tiles), total)


def drained(text, *, planes=0, relu=0, pitch=2, used=2, ub=0x200, step=0, x=None, w=None):
    """What a raw ``activate`` of 4 rows leaves in a unified buffer of 0x55, as rows of granules from `ub` on."""
    x = np.arange(32, dtype=np.uint8).reshape(4, 8) if x is None else x
    w = np.eye(8, dtype=np.int8) * -3 if w is None else w
    program = f"""
        set index=plane_step value={step}
        read_host granules=8
        read_host ub=0x200 granules=64 host=4
        read_weights tiles=1 rows=8 chunks=1
        matmul rows=4 repeat=1 pitch=2 swap=first w_signed drain {text}
        activate kind=raw planes={planes} {"relu" if relu else ""} ub={ub} rows=4 pitch={pitch} used={used}
        halt"""
    host = np.concatenate([x.reshape(-1), np.full(256, 0x55, np.uint8)])
    found = execute(TINY, program, [host, b""], w.reshape(-1).view(np.uint8))
    assert found.written.sum() == 32 + 256
    return found.ub[0x800:0x900].reshape(64, 4)


SUMS = -3 * np.arange(32).reshape(4, 8)


def test_raw_planes_lie_a_step_apart():
    found = drained("", planes=2, step=9)
    planes = [SUMS >> 8 * plane & 0xFF for plane in range(4)]
    expected = np.full((64, 4), 0x55)
    for plane, values in enumerate(planes):
        expected[9 * plane : 9 * plane + 8] = values.reshape(8, 4)
    np.testing.assert_array_equal(found, expected)


def test_two_planes_and_relu():
    weights = np.diag([7, -7, 9, -9, 11, -11, 127, -128]).astype(np.int8)
    x = np.full((4, 8), 255, np.uint8)
    found = drained("", planes=1, relu=1, step=20, x=x, w=weights)
    sums = np.maximum(255 * np.diag(weights).astype(int), 0)
    np.testing.assert_array_equal(found[:8].reshape(4, 8), np.tile(sums & 0xFF, (4, 1)))
    np.testing.assert_array_equal(found[20:28].reshape(4, 8), np.tile(sums >> 8, (4, 1)))


def test_planes_that_meet_are_written_row_after_row():
    """Row by row, and in each the lowest plane first: plane 1 of a row is overwritten by plane 0 of the next."""
    found = drained("", planes=1, step=2).reshape(32, 8)
    np.testing.assert_array_equal(found[:4], SUMS & 0xFF)
    np.testing.assert_array_equal(found[4], SUMS[3] >> 8 & 0xFF)
    found = drained("", planes=1, step=0).reshape(32, 8)
    np.testing.assert_array_equal(found[:4], SUMS >> 8 & 0xFF)


@pytest.mark.parametrize("ub", [0x200, 0x201, 0x21B])
@pytest.mark.parametrize("pitch, used", [(1, 1), (2, 1), (2, 2)])
def test_only_used_granules_are_written(pitch, used, ub):
    expected = np.full((64, 4), 0x55)
    for row in range(4):
        at = ub - 0x200 + row * pitch
        expected[at : at + used] = (SUMS[row] & 0xFF).reshape(2, 4)[:used]
    np.testing.assert_array_equal(drained("", pitch=pitch, used=used, ub=ub), expected)


def test_bytes_beyond_the_pitch_count_as_0(seed):
    rng = np.random.default_rng(seed)
    x, tile = rng.integers(0, 256, (7, 8), np.uint8), rng.integers(0, 256, (1, 8, 8), np.uint8)
    text = "matmul ub=1 rows=6 repeat=1 pitch=1 swap=first drain"
    rows = x.reshape(-1, 4)[1:7]
    np.testing.assert_array_equal(products(TINY, text, x, tile), matmul(rows, tile[0, :4]))


def test_what_a_tile_lacks_is_0(seed):
    config, rng = PRESETS["tpu-16"].replace(bus_bytes=8), np.random.default_rng(seed)
    x, w = rng.integers(0, 256, (3, 16), np.uint8), rng.integers(-128, 128, (2, 5, 8), np.int8)
    text = """read_host granules=12
        read_weights tiles=2 rows=5 chunks=1 address=1
        matmul rows=3 repeat=1 pitch=4 swap=first w_signed
        matmul rows=3 repeat=1 pitch=4 swap=first w_signed drain
        activate kind=raw ub=0x40 rows=3 pitch=4 used=4
        halt"""
    found = execute(config, text, [x.reshape(-1), b""], np.concatenate([bytes_of(8), w.reshape(-1).view(np.uint8)]))
    expected = np.zeros((3, 16), np.int64)
    expected[:, :8] = matmul(x[:, :5], w[1])
    np.testing.assert_array_equal(found.ub[0x100:0x130].reshape(3, 16), expected & 0xFF)


def bytes_of(count):
    return np.arange(count, dtype=np.uint8)


def test_transfers_move_granules_and_leave_the_rest():
    host = bytes_of(64)
    text = """read_host ub=2 granules=3 host=1
        sync units=host_in
        write_host window=1 ub=2 granules=1 host=3
        write_host window=1 ub=2 granules=3
        halt"""
    found = execute(TINY, text, [host, np.full(64, 9, np.uint8)], b"")
    assert found.ub[8:20].tolist() == list(range(8, 20)) and not found.ub[20:].any()
    assert np.flatnonzero(found.written).tolist() == list(range(8, 20))
    assert found.host[1].tolist() == [*range(8, 20)] + [9] * 12 + [8, 9, 10, 11] + [9] * 36
    assert found.host[0].tolist() == host.tolist()


def test_parameter_sets_are_taken_in_order_and_used_again():
    entries = np.zeros(16, SET_ENTRY)
    entries["factor"] = 1
    entries["bias"] = [*range(8), *range(100, 108)]
    text = """read_host granules=2
        read_weights tiles=1 rows=8 chunks=1 address=16
        read_parameters count=2
        matmul swap=first rows=1 repeat=1 pitch=2 drain
        activate next kind=uint8 ub=16 rows=1 pitch=2 used=2 hi=255
        matmul rows=1 repeat=1 pitch=2 drain
        activate kind=raw ub=18 rows=1 pitch=2 used=2
        matmul rows=1 repeat=1 pitch=2 drain
        activate kind=int8 ub=20 rows=1 pitch=2 used=2 zero=-3 lo=-1 hi=127
        matmul rows=1 repeat=1 pitch=2 drain
        activate next kind=uint8 ub=22 rows=1 pitch=2 used=2 hi=104
        halt"""
    found = execute(TINY, text, [bytes(8), b""], np.concatenate([entries.view(np.uint8), bytes_of(64)]))
    assert found.ub[64:96].reshape(4, 8).tolist() == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [0] * 8,
        [255, 255, 255, 0, 1, 2, 3, 4],
        [100, 101, 102, 103, 104, 104, 104, 104],
    ]


def test_bias_wraps_like_the_sums():
    entries = np.zeros(8, SET_ENTRY)
    entries["bias"], entries["factor"] = (1 << 31) - 1, 1
    text = """read_host granules=2
        read_weights tiles=1 rows=8 chunks=1 address=8
        read_parameters count=1
        matmul swap=first rows=1 repeat=1 pitch=2 drain
        activate next kind=int8 ub=16 rows=1 pitch=2 used=2 lo=-128 hi=127
        halt"""
    weights = np.concatenate([entries.view(np.uint8), np.eye(8, dtype=np.uint8).reshape(-1)])
    found = execute(TINY, text, [bytes([0, 1] * 4), b""], weights)
    assert found.ub[64:72].tolist() == [127, 128] * 4


def test_a_layer_in_place():
    """All rows are read before the first is overwritten."""
    rotate = np.roll(np.eye(8, dtype=np.uint8), 1, axis=1)
    text = """read_host granules=10
        read_weights tiles=1 rows=8 chunks=1
        matmul rows=4 repeat=1 pitch=2 swap=first drain
        activate kind=raw ub=2 rows=4 pitch=2 used=2
        halt"""
    x = bytes_of(40)
    found = execute(TINY, text, [x, b""], rotate.reshape(-1))
    np.testing.assert_array_equal(found.ub[8:40].reshape(4, 8), np.roll(x[:32].reshape(4, 8), 1, axis=1))


def test_interrupts_show_their_tags_in_order():
    found = execute(TINY, "interrupt tag=7\nnop\ninterrupt units=63 tag=0xffffffff\ninterrupt\nhalt", [b"", b""], b"")
    assert (found.tags, found.pc) == ([7, 0xFFFFFFFF, 0], 4)


def test_factors_must_be_numbers_where_they_are_used():
    entries = np.zeros(8, SET_ENTRY)
    entries["factor"] = [1, 1, 1, 1, 0, -1, np.inf, np.nan]
    weights = np.concatenate([entries.view(np.uint8), bytes_of(64)])
    text = """read_host granules=2
        read_weights tiles=1 rows=8 chunks=1 address=8
        read_parameters count=1
        matmul swap=first rows=1 repeat=1 pitch=2 drain
        activate next kind=uint8 ub=16 rows=1 pitch=2 used={} hi=255
        halt"""
    execute(TINY, text.format(1), [bytes(8), b""], weights)
    message = r"instruction 4: the factor of column 5 must be a finite float32 from 0 on, not -1\.0"
    with pytest.raises(ConfigError, match=message):
        run(TINY, assemble(text.format(2)), host=[bytes(8), b""], weights=weights)


def test_what_is_no_memory():
    with pytest.raises(ConfigError, match="host must be two windows, not 1"):
        run(TINY, b"", host=[b""])
    with pytest.raises(ConfigError, match="memory must be bytes, not dtype"):
        run(TINY, b"", weights=np.zeros(3))
