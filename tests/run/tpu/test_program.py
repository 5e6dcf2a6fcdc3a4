"""Jobs, texts and networks as programs of the TPU: on the Verilog of the smallest one, and what is refused."""

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.tpu.isa import ERRORS
from tensorloom.hw.tpu.register_map import COUNTED
from tensorloom.run.execution import Simulator
from tensorloom.run.jobs import Job, golden
from tensorloom.run.registry import find_preset
from tensorloom.run.tpu.engine import ENGINE, error_text
from tensorloom.run.tpu.program import TpuProgram, assemble, map_job, map_network
from tensorloom.sim.golden.geometry import ConvolutionSteps
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.tpu.chain import Network, infer
from tensorloom.sim.tpu.layers import Layer

TINY = ENGINE.presets["tpu-tiny"]
DTYPES = (np.int8, np.uint8)


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    design = find_preset("tpu-tiny")
    assert design
    return Simulator(design)


def tensor(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers over the whole range of a type of 8 bits."""
    dtype = DTYPES[rng.integers(2)]
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def check(simulator: Simulator, job: Job, **options) -> None:
    """Result, all of memory and all counters; by the golden model of jobs, which knows no instructions."""
    program = map_job(TINY, job)
    assert np.array_equal(program.golden(), golden(job))
    outcome = simulator.run(job, program, **options)
    assert outcome.passed, outcome.complaint
    assert np.array_equal(outcome.output, golden(job))
    assert outcome.predicted is None or outcome.predicted.cycles == outcome.cycles


@pytest.mark.parametrize("case", range(12))
def test_products(simulator, case, seed):
    rng = np.random.default_rng([seed, case])
    m, k, n = rng.integers(1, [60, 40, 40]).tolist()
    timing = MemoryTiming(latency=int(rng.integers(1, 40)))
    check(
        simulator, Job(name="p", a=tensor(rng, m, k), b=tensor(rng, k, n)), timing=timing, stall=0.3 * (case % 3 == 2)
    )


@pytest.mark.parametrize("case", range(12))
def test_convolutions(simulator, case, seed):
    rng = np.random.default_rng([seed, case])
    groups = int(rng.choice([1, 2, 3]))
    r, s = rng.integers(1, 4, 2).tolist()
    dilation, stride, padding = (int(rng.integers(*limits)) for limits in ((1, 3), (1, 3), (0, 3)))
    height, width = (dilation * (size - 1) + 1 + int(rng.integers(0, 4)) for size in (r, s))
    channels, kernels = rng.integers(1, 5, 2).tolist()
    steps: ConvolutionSteps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x = tensor(rng, int(rng.integers(1, 3)), height, width, groups * channels)
    job = Job(name="c", a=x, b=tensor(rng, r, s, channels, groups * kernels), convolution=steps)
    check(simulator, job)
    _, oy, ox, _ = golden(job).shape
    assert map_job(TINY, job).macs == len(x) * oy * ox * r * s * channels * groups * kernels


def test_more_rows_than_the_buffer_holds_are_several_batches(simulator, seed):
    rng = np.random.default_rng(seed)
    job = Job(name="tall", a=tensor(rng, 700, 9), b=tensor(rng, 9, 10))
    assert map_job(TINY, job).compiled.batches > 1
    check(simulator, job)


def test_sums_that_wrap(simulator):
    a, b = np.full((1, 66_000), 255, np.uint8), np.full((66_000, 1), 255, np.uint8)
    job = Job(name="large", a=a, b=b)
    with pytest.raises(ConfigError, match=r"result at \[0, 0\] must be from -2147483648 to 2147483647"):
        ENGINE.map(ENGINE.presets["tpu-16"], job)


@pytest.mark.parametrize(
    ("a", "b", "steps", "message"),
    [
        (np.ones((2, 3), np.int16), np.ones((3, 2), np.int8), None, "a must be of dtype int8, uint8, not int16"),
        (np.ones((2, 3), np.int8), np.ones((3, 2), int), None, "b must be of dtype int8, uint8, not int64"),
        (np.ones((2, 3), np.int8), np.ones((4, 2), np.int8), None, "rows of b must be the 3 columns of a, not 4"),
        (np.ones((1, 3, 3, 2), int), np.ones((3, 3, 2, 1), np.int8), {}, "a must be of dtype int8, uint8, not int64"),
        (np.ones((1, 3, 3, 2), np.int8), np.ones((3, 3, 1, 1), np.int8), {}, "channels"),
        (
            np.ones((1, 9000), np.int8),
            np.ones((9000, 1), np.int8),
            None,
            "ub_rows must be at least 1,12[45] for the input",
        ),
        (
            np.ones((1, 3, 3, 999), np.int8),
            np.ones((3, 3, 999, 1), np.int8),
            {},
            "ub_rows must be at least 1,12[45] for the input",
        ),
    ],
)
def test_what_does_not_fit_is_refused(a, b, steps, message):
    with pytest.raises((TypeError, ConfigError), match=message):
        map_job(TINY, Job(name="x", a=a, b=b, convolution=steps))


def network(rng: np.random.Generator, rows: int, *sizes: int) -> Network:
    layers = [
        Layer(
            weights=rng.integers(-128, 128, (k, n), np.int8),
            bias=rng.integers(-9999, 9999, n, np.int32),
            factors=rng.uniform(1e-4, 1e-2, n).astype(np.float32),
            kind=("uint8", "int8")[number % 2],
        )
        for number, (k, n) in enumerate(zip(sizes, sizes[1:], strict=False))
    ]
    return Network(rows=rows, layers=tuple(layers))


def test_networks(simulator, seed):
    rng = np.random.default_rng(seed)
    one, inputs = network(rng, 5, 20, 11, 3), [rng.integers(0, 256, (5, 20), np.uint8) for _ in range(3)]
    program = map_network(TINY, one, inputs)
    assert program.macs == 3 * 5 * (20 * 11 + 11 * 3)
    expected = np.stack([infer(one, values) for values in inputs])
    assert np.array_equal(program.golden(), expected)
    outcome, driven = simulator.run_program(program, "three batches")
    assert outcome.passed, outcome.complaint
    assert np.array_equal(outcome.output, expected)
    assert np.array_equal(program.assemble(driven.outputs), expected)
    with pytest.raises(ConfigError, match=r"inputs\[1\] must be 5 x 20"):
        map_network(TINY, one, [inputs[0], inputs[0][:4]])


TEXT = """
    read_host granules=2
    write_host granules=2 window=1 host=1
    halt
"""


def test_texts(simulator):
    memories = {"host_0": bytes(range(8)), "host_1": b"x" * 20}
    program = assemble(TINY, TEXT, memories)
    outcome, driven = simulator.run_program(program, "copy")
    assert outcome.passed
    expected = {"host_0": bytes(range(8)), "host_1": b"x" * 8 + bytes(range(8)) + b"x" * 4}
    assert ENGINE.contents(program, driven.outputs) == expected
    assert program.assemble(driven.outputs).tolist() == [*expected["host_0"], *expected["host_1"]]
    counters = outcome.counters
    assert (counters.instructions, counters.host_in_beats, counters.host_out_beats) == (3, 1, 1)


@pytest.mark.parametrize(
    ("text", "memories", "message"),
    [
        ("halt now", {}, "^line 1, column 6, 'now': halt has no field 'now'"),
        ("nop", {}, "^instruction 1: end: the program ends without halt$"),
        (
            TEXT,
            {"host_0": bytes(8)},
            "^line 3, instruction 1: memory: a transfer up to granule 4 of window 1, which has 0$",
        ),
        ("matmul\nwrite_host\nhalt", {}, r"^line 1, instruction 0: value: .* \(2 problems in all\)$"),
        ("write_host granules=1\nhalt", {"host_0": bytes(4)}, "^line 1, instruction 0: unwritten: granule 0 is read"),
    ],
)
def test_texts_that_are_refused(text, memories, message):
    with pytest.raises(ConfigError, match=message):
        assemble(TINY, text, memories)


def test_a_program_that_ends_with_an_error_says_where(simulator):
    """Illegal, and not looked at before."""
    legal = assemble(TINY, TEXT, {"host_0": bytes(8), "host_1": bytes(16)})
    words = [legal.program[at : at + 16] for at in range(0, len(legal.program), 16)]
    broken = words[0] + bytes([0x7F]) + bytes(15) + words[2]
    program = TpuProgram(config=TINY, program=broken, host=legal.host, weights=legal.weights)
    driven = simulator.drive(program, "broken")
    assert driven.wrong_bytes == 0
    assert error_text(driven.result.counters) == "instruction 1: opcode: No instruction has this opcode."
    assert {f"count_{name}" for name in COUNTED} <= set(driven.result.counters)


@pytest.mark.parametrize("name", ERRORS)
def test_each_error_has_its_text(name):
    code, text = ERRORS[name]
    registers = {"error": code, "error_pc": 7}
    assert ENGINE.complaint(registers, wraps=True) == f"instruction 7: {name}: {text}"


def test_a_code_that_is_no_error():
    assert ENGINE.complaint({"error": 1 << 20, "error_pc": 7}, wraps=True).startswith("instruction 7: unknown")


def test_no_error_no_complaint():
    assert ENGINE.complaint({"error": 0, "error_pc": 0}, wraps=False) == ""
