"""Mapping of chains of layers, and the golden model of jobs."""

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.eie.config import PRESETS
from tensorloom.sim.eie.balance import balanced_rows
from tensorloom.sim.eie.golden import Layer, infer, run
from tensorloom.sim.eie.mapping import map_layers
from tensorloom.sim.formats.coded import CodedMatrix
from tensorloom.sim.formats.runs import FormatError

TINY = PRESETS["eie-tiny"]
ROOMY = TINY.replace(codebooks=8, jobs=16, activation_lines=256)
RELATIVE = ROOMY.replace(lanes=1, index="relative", index_bits=2, readout_rows=1)


def outputs(config, program, inputs):
    return program.outputs(config, run(config, program, inputs)[-1])


def layer(codes, codebook=(0, 3, -5, 9), **fields):
    values: dict[str, Any] = {"shift": 0, "relu": False} | fields
    return Layer(matrix=CodedMatrix.encode(np.array(codes), np.array(codebook)), **values)


@pytest.mark.parametrize("case", range(40))
@pytest.mark.parametrize("config", [ROOMY, RELATIVE], ids=["absolute", "relative"])
def test_jobs_do_what_the_layers_say(seed, chain, config, case):
    layers, inputs = chain(np.random.default_rng(seed), config)
    expected = infer(layers, inputs, config.data_bits)[-1]
    for balance in (None, False, True):
        program = map_layers(config, layers, balance=balance, reload=True)
        assert outputs(config, program, inputs).tolist() == expected.tolist()


def test_infer_by_hand():
    """Products by hand, halves upwards, saturation at both ends, ReLU, a bias."""
    first = layer([[1, 2], [3, 0], [2, 2], [3, 3]], shift=1)
    assert infer([first], np.array([7, 4]), 8)[0].tolist() == [1, 32, -27, 50]  # 1/2, 63/2, -55/2, 99/2
    assert infer([dataclasses.replace(first, relu=True)], np.array([7, 4]), 8)[0].tolist() == [1, 32, 0, 50]
    assert infer([first], np.array([127, -128]), 6)[0].tolist() == [31, 31, 3, -4]
    biased = layer([[1, 2, 3, 0], [0, 0, 0, 2]], constants=(1, 100))
    assert biased.inputs == 2
    assert infer([biased], np.array([1, 1]), 16)[0].tolist() == [3 - 5 + 9, -500]


def test_largest_products():
    """-32768 x -32768 and sums beyond 2**53 are exact."""
    matrix = CodedMatrix.encode(np.ones((1, 4), int), np.array([0, -32768]))
    config = PRESETS["eie-16x4"]
    one = Layer(matrix=matrix, shift=20, relu=False)
    inputs = np.full(4, -32768)
    assert outputs(config, map_layers(config, [one]), inputs).tolist() == [4 << 10]
    many = CodedMatrix.encode(np.ones((1, 1 << 13), int), np.array([0, -32768]))
    with pytest.raises(ConfigError, match="layer 0: psum_bits must be at least 45 for row 0, not 44"):
        map_layers(config, [Layer(matrix=many, shift=20)])


def test_outputs_are_distributed_and_the_next_layer_follows():
    """Two clusters, two rows a cycle: outputs of cluster 0 come first in a line."""
    config = ROOMY
    codes = np.diag([1] * 6)
    program = map_layers(config, [layer(codes), layer(codes)], balance=False)
    assert program.order.tolist() == [0, 2, 1, 3, 4, 6]
    first, second = program.jobs
    assert (first.columns, first.slots, first.source, first.destination) == (6, 3, 0, 2)
    assert (second.columns, second.slots, second.source, second.destination) == (8, 3, 2, 4)
    assert second.pointers == 8
    memory = run(config, program, np.arange(1, 7))[-1]
    assert memory[2:4].tolist() == [[3, 9, 6, 12], [15, 0, 18, 0]]
    assert program.outputs(config, memory).tolist() == [9, 18, 27, 36, 45, 54]


def test_passes_are_of_equal_size():
    codes = np.ones((33, 3), int)
    program = map_layers(ROOMY, [layer(codes)])
    assert [job.slots for job in program.jobs] == [6, 6, 6]
    assert [job.destination for job in program.jobs] == [1, 4, 7]
    assert [job.source for job in program.jobs] == [0, 0, 0]
    assert sorted(set(program.order.tolist())) == sorted(program.order.tolist())


def test_fewer_rows_than_clusters():
    config = ROOMY.replace(clusters=8)
    for balance in (False, True):
        program = map_layers(config, [layer([[1, 2], [0, 3]])], balance=balance)
        assert outputs(config, program, np.array([10, -1])).tolist() == [35, -9]


def test_layers_share_codebooks():
    one = layer([[1]])
    program = map_layers(TINY.replace(jobs=8), [one, one, layer([[1]], (0, 7)), one])
    assert [job.codebook for job in program.jobs] == [0, 0, 1, 0]
    assert program.codebooks.tolist() == [[0, 3, -5, 9], [0, 7, 0, 0]]
    others = [layer([[1]], (0, at)) for at in range(3)]
    with pytest.raises(ConfigError, match="layer 2: codebooks must be at least 3 for the layers up to here, not 2"):
        map_layers(TINY, others)


def test_a_layer_that_does_not_fit_names_what_would():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, (16, 60))
    config = ROOMY.replace(entries=64)
    expected = infer([layer(codes)], np.arange(60), 8)[-1]
    with pytest.raises(ConfigError) as error:
        map_layers(config, [layer(codes)])
    program = map_layers(config, [layer(codes)], reload=True)
    entries = max(sum(len(load.codes[cluster]) for load in program.loads) for cluster in range(2))
    text = rf"entries must be at least (\d+) in cluster \d for all layers together, not 64; {len(program.loads)} loads"
    found = re.match(text, str(error.value))
    assert found is not None and 0 <= entries - int(found[1]) < 4 * len(program.loads)
    assert len(program.loads) > 4 and all(len(load.codes[0]) <= 64 for load in program.loads)
    assert [job.keep for job in program.jobs] == [True] * (len(program.jobs) - 1) + [False]
    assert outputs(config, program, np.arange(60)).tolist() == expected.tolist()
    # one memory alone
    config = ROOMY.replace(pointers=32, entries=1024)
    with pytest.raises(
        ConfigError, match="pointers must be at least 62 for all layers together, not 32; 3 loads would do"
    ):
        map_layers(config, [layer(codes)])
    assert outputs(config, map_layers(config, [layer(codes)], reload=True), np.arange(60)).tolist() == expected.tolist()
    with pytest.raises(ConfigError, match="jobs must be at least 5 for all layers together, not 4; 2 loads would do"):
        map_layers(TINY, [layer([[1]])] * 5)
    with pytest.raises(ConfigError, match="layer 0: entries must be at least 32 for columns 0 to 3, not 16"):
        map_layers(ROOMY.replace(entries=16), [layer(np.ones((16, 8), int))], reload=True)


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ([], "layers must be at least one, not 0"),
        ([layer([[1], [2]]), layer([[1]])], "layer 1: inputs must be the 2 outputs before, not 1"),
        ([layer([[1]], (0, 128))], "layer 0: codebook must be of weights from -128 to 127, not 128"),
        ([layer([[1]], range(5))], "layer 0: codebook must be of at most 4 weights, not 5"),
        ([layer([[1, 1]], constants=(200,))], "layer 0: constants must be an integer from -128 to 127, not 200"),
        ([layer([[1, 1]], constants=(1.5,))], "layer 0: constants must be an integer, not 1.5"),
        (
            [layer([[1, 1]], constants=(1, 1, 1))],
            "layer 0: constants must be fewer than the 2 columns of the matrix, not 3",
        ),
        ([layer([[1] * 6], constants=(1,) * 5)], "layer 0: constants must be at most 4, a line, not 5"),
        ([layer([[1]], activity=np.ones(2))], "layer 0: activity must be of shape (1,), not (2,)"),
        (
            [layer([[1, 1]], activity=np.array([1, np.nan]))],
            "layer 0: activity must be of finite numbers, 0 or more, not nan",
        ),
        ([layer([[1]], activity=np.array([-1]))], "layer 0: activity must be of finite numbers, 0 or more, not -1"),
        ([layer([[1]], activity=np.array(["a"]))], "layer 0: activity must be an array of numbers, not array(['a']"),
        ([layer([[1]], activity=[1])], "layer 0: activity must be an array of numbers, not [1]"),
        ([layer([[1]], shift=20)], "job 0: shift must be an integer from 0 to 19, not 20"),
        (
            [layer(np.ones((120, 1), int))],
            "layer 0: activation_lines must be at least 33 for the activations up to here",
        ),
    ],
)
def test_what_can_not_be_mapped(layers, text):
    with pytest.raises(ConfigError, match=re.escape(text)):
        map_layers(TINY.replace(jobs=8), layers)


def test_relative_rows_need_a_code_for_zero():
    with pytest.raises(ConfigError, match=re.escape("layer 0: codebook[0] must be 0, as indices are relative, not 5")):
        map_layers(RELATIVE, [layer([[1]], (5, 4))])


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        (np.arange(3), "inputs must be 2, not 3"),
        (np.array([0, 128]), "inputs must be from -128 to 127, not 128"),
        (np.array([-129, 0]), "inputs must be from -128 to 127, not -129"),
    ],
)
def test_wrong_inputs(inputs, text):
    with pytest.raises(ConfigError, match=re.escape(text)):
        run(TINY, map_layers(TINY, [layer([[1, 1]])]), inputs)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"columns": 64}, "job 0: columns must be an integer from 1 to 63, not 64"),
        ({"pointers": 3}, "job 0: pointers must be even, not 3"),
        ({"pointers": 60}, "job 0: pointers must be an integer from 0 to 57, not 60"),
        ({"slots": 9}, "job 0: slots must be an integer from 1 to 8, not 9"),
        ({"destination": 1}, "job 0: destination must be outside of the lines that the job reads, not 1"),
        ({"destination": 32}, "job 0: destination must be an integer from 0 to 31, not 32"),
        ({"source": 31}, "job 0: source must be an integer from 0 to 30, not 31"),
        ({"codebook": 2}, "job 0: codebook must be an integer from 0 to 1, not 2"),
        ({"keep": True}, "keep must be false in the last job, not True"),
    ],
)
def test_jobs_that_are_refused(changes, text):
    program = map_layers(TINY, [layer([[1] * 6])])
    load = program.loads[0]
    broken = dataclasses.replace(load, jobs=[dataclasses.replace(load.jobs[0], **changes)])
    with pytest.raises(ConfigError, match=re.escape(text)):
        run(TINY, dataclasses.replace(program, loads=[broken]), np.zeros(6, np.int64))


def test_outputs_may_be_written_right_before_the_inputs():
    program = map_layers(TINY, [layer([[1] * 6])])
    load = program.loads[0]
    moved = dataclasses.replace(load, jobs=[dataclasses.replace(load.jobs[0], source=1, destination=0)])
    memory = run(TINY, dataclasses.replace(program, loads=[moved]), np.array([7] * 4 + [1, 2]))[-1]
    assert memory[0, 0] == 9  # of 1 and 2 and the zeros behind them


def test_sums_that_are_kept_are_those_of_the_next_job():
    program = map_layers(TINY, [layer([[1] * 6] * 4)])
    load, job = program.loads[0], program.loads[0].jobs[0]
    twice = dataclasses.replace(load, jobs=[dataclasses.replace(job, keep=True), job])
    assert outputs(TINY, dataclasses.replace(program, loads=[twice]), np.ones(6, np.int64)).tolist() == [36] * 4
    wrong = dataclasses.replace(load, jobs=[twice.jobs[0], dataclasses.replace(job, slots=3)])
    with pytest.raises(ConfigError, match="job 1: slots must be 2, as those of the sums that are kept, not 3"):
        run(TINY, dataclasses.replace(program, loads=[wrong]), np.ones(6, np.int64))
    narrow = TINY.replace(psum_bits=16, jobs=8)
    program = map_layers(narrow, [layer([[3] * 6] * 4)])
    load, job = program.loads[0], program.loads[0].jobs[0]
    five = dataclasses.replace(load, jobs=[dataclasses.replace(job, keep=True)] * 4 + [job])
    with pytest.raises(ConfigError, match="job 4: sums must be of 16 bits, not 34290"):
        run(narrow, dataclasses.replace(program, loads=[five]), np.full(6, 127))


def test_malformed_memories_are_refused():
    program = map_layers(TINY, [layer([[1, 2], [2, 2]])])
    load = program.loads[0]

    def broken(**changes):
        memories = dataclasses.replace(load, **changes)
        run(TINY, dataclasses.replace(program, loads=[memories]), np.ones(2, np.int64))

    falls, far = load.pointers.copy(), load.pointers.copy()
    falls[1, 1], far[0, 2] = 3, 9
    with pytest.raises(FormatError, match=re.escape("job 0: pointers of PE 1: [2] must be non-decreasing, not 2")):
        broken(pointers=falls)
    with pytest.raises(FormatError, match=re.escape("job 0: pointers of PE 0: [2] must be from 0 to 4, not 9")):
        broken(pointers=far)
    with pytest.raises(TypeError, match="job 0: indices must be a vector of integers, not "):
        broken(indices=[load.indices[0], np.array([0, np.nan, 0, 0])])
    with pytest.raises(FormatError, match=re.escape("job 0: row of PE 1: [1] must be one of the PE's, not 2")):
        broken(indices=[load.indices[0], np.array([0, 2, 0, 0])])


def test_balance():
    rng = np.random.default_rng(3)
    work = rng.integers(50, 150, 400).astype(float)
    owners, places = balanced_rows(work, 16)
    assert np.bincount(owners).tolist() == [25] * 16
    assert sorted(zip(owners.tolist(), places.tolist(), strict=True)) == [(c, s) for c in range(16) for s in range(25)]
    sums = np.bincount(owners, weights=work)
    assert sums.max() - sums.min() <= 2
    owners, places = balanced_rows(np.array([1.0, 5.0, 2.0]), 8)
    assert len(set(owners.tolist())) == 3 and not places.any()
    owners, _ = balanced_rows(np.zeros(9), 2)
    assert np.bincount(owners).tolist() in ([5, 4], [4, 5])


def test_measured_activity_decides_the_balance():
    """Rows of one cluster all want the same columns; balanced by entries alone they could end up together."""
    codes = np.zeros((8, 8), int)
    codes[:4, :4] = codes[4:, 4:] = 1
    active = np.repeat([1.0, 0.0], 4)
    program = map_layers(ROOMY, [layer(codes, activity=active)])
    matrix_rows = program.order[:4]
    clusters = matrix_rows // ROOMY.readout_rows % ROOMY.clusters
    assert np.bincount(clusters).tolist() == [2, 2]


def test_memory_images():
    """Entries of PE 0: code 1 of row 0, code 3 of row 1; behind them the line is filled up."""
    config = RELATIVE.replace(line_entries=4, index_bits=3)
    load = map_layers(config, [layer([[1, 0], [0, 2], [3, 3], [0, 0]])]).loads[0]
    assert load.codes[0].tolist() == [1, 3, 3, 0] and load.indices[0].tolist() == [0, 0, 1, 0]
    assert load.matrix_lines(config, 0) == [1 | 3 << 5 | (3 | 1 << 2) << 10]
    assert load.pointers.tolist() == [[0, 2, 3, 3], [0, 0, 1, 1]]
    assert [bank.tolist() for bank in load.pointer_banks(0)] == [[0, 3], [2, 3]]
