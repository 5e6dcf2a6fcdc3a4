"""Jobs on the chip: how sums become outputs, what is padded, what is refused."""

import numpy as np
import pytest

from tensorloom.hw.config import ConfigError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.hw.snap_chip.register_map import REGISTERS
from tensorloom.run.jobs import Job, golden
from tensorloom.run.snap_chip.engine import ENGINE, errors_text
from tensorloom.run.snap_chip.program import expected_outputs, job_factor, map_job

TINY = PRESETS["snap-chip-tiny"]


def job(value: int, **fields) -> Job:
    return Job(name="one", a=np.full((1, 1), value, np.int8), b=np.full((1, 1), 1, np.int8), **fields)


@pytest.mark.parametrize(("value", "factor"), [(0, 1), (127, 1), (-127, 1), (-128, 0.5)])
def test_small_sums_come_as_they_are(value, factor):
    assert job_factor(job(value)) == factor
    assert expected_outputs(job(value)).tolist() == [[value * factor]]


def test_large_sums_are_scaled_by_a_power_of_two():
    a, b = np.array([[100, 27]], np.int8), np.array([[100, 3], [-5, 1]], np.int8)
    one = Job(name="large", a=a, b=b)
    assert golden(one).tolist() == [[9865, 327]] and job_factor(one) == 1 / 128
    assert expected_outputs(one).tolist() == [[77, 3]]
    assert map_job(TINY, one).golden().tolist() == [[77, 3]]


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 10])
def test_rows_of_a_product_are_pixels(rows, seed):
    rng = np.random.default_rng(seed)
    one = Job(name="p", a=rng.integers(0, 256, (rows, 13), np.uint8), b=rng.integers(-128, 128, (13, 5), np.int8))
    program = map_job(TINY, one)
    assert np.array_equal(program.golden(), expected_outputs(one))
    assert program.macs == sum(np.count_nonzero(row[:, None] * one.b.astype(int)) for row in one.a.astype(int))


@pytest.mark.parametrize("padding", [0, 1, 2, (3, 0, 1, 4)])
@pytest.mark.parametrize("kernel", [(1, 1), (2, 3)])
def test_any_padding(kernel, padding, seed):
    """More than a kernel reaches too, which the chip has no field for."""
    rng = np.random.default_rng(seed)
    x, w = rng.integers(-128, 128, (2, 4, 5, 6), np.int8), rng.integers(-128, 128, (*kernel, 6, 9), np.int8)
    one = Job(name="c", a=x, b=w, convolution={"padding": padding, "stride": (1, 2)})
    assert np.array_equal(map_job(TINY, one).golden(), expected_outputs(one))


@pytest.mark.parametrize(("channels", "groups", "folded"), [(1, 1, 6), (2, 1, 12), (3, 1, 3), (2, 2, 2)])
def test_kernels_of_few_channels_are_folded(channels, groups, folded, seed):
    """Up to a quarter of the eight channels of a stored tile; the second image too, with a stride and padding."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (2, 8, 5, channels), np.int8)
    w = rng.integers(-128, 128, (3, 2, channels // groups, 6), np.int8)
    one = Job(name="c", a=x, b=w, convolution={"stride": (2, 1), "padding": (1, 2, 0, 1), "groups": groups})
    program = map_job(TINY, one)
    assert np.array_equal(program.golden(), expected_outputs(one))
    lines = 3 if folded == channels else 1
    assert program.inputs_by_name["x1"].shape == (8 if lines == 3 else 5, 5, folded)
    for command in program.compiled.commands:
        assert (command["kernel_lines"], command["stride_lines"]) == (lines, 2 if lines == 3 else 1)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.ones((2, 3), np.int16), np.ones((3, 2), np.int8), "a must be of dtype int8, uint8, not int16"),
        (np.ones((2, 3), np.uint8), np.ones((3, 2), np.uint8), "b must be of dtype int8, not uint8"),
        (np.ones((2, 3), np.uint8), np.ones((4, 2), np.int8), "rows of b must be the 3 columns of a, not 4"),
        (np.ones((1, 5000), np.int8), np.ones((5000, 1), np.int8), "columns of a must be at most 4096, not 5000"),
        (np.ones((1, 2000), np.int8), np.ones((2000, 1), np.int8), "^entries of .* must be at most 128, not 250$"),
        (np.ones((5000, 2), np.int8), np.ones((2, 2), np.int8), "^segments of a must be at most 32, not 70$"),
        (np.ones((1, 2), np.int8), np.ones((2, 9999), np.int8), "columns of b must be at most 4096, not 9999"),
        (np.ones((99999, 1), np.int8), np.ones((1, 1), np.int8), "rows of a must be at most 12285, not 99999"),
    ],
)
def test_what_does_not_fit_is_refused(a, b, message):
    with pytest.raises((TypeError, ConfigError), match=message):
        map_job(TINY, Job(name="x", a=a, b=b))


@pytest.mark.parametrize(
    ("x", "w", "message", "hint"),
    [
        ((1, 9, 80, 8), (1, 1, 8, 8), "columns of the result must be at most 72", "region_pixels"),
        ((1, 5000, 1, 8), (1, 1, 8, 8), "lines of x must be at most 4095, not 5000", ""),
        ((1, 40, 1, 8), (40, 1, 8, 8), "kernel must be at most 31 down and across, not (40, 1)", ""),
        ((1, 9, 12, 800), (1, 1, 800, 8), "entries of a region in a bank's directory must be", "directory_entries"),
        ((1, 9, 9, 64), (3, 3, 64, 8), "words of a region in a bank must be at most 128", "bank_rows"),
    ],
)
def test_layers_that_do_not_fit(x, w, message, hint):
    """In the words of the job, with the field of the configuration that is too small."""
    one = Job(name="c", a=np.ones(x, np.int8), b=np.ones(w, np.int8), convolution={}, names=("x", "w"))
    with pytest.raises(ConfigError) as info:
        map_job(TINY, one)
    assert str(info.value).startswith(message) and hint in info.value.hint and bool(hint) == bool(info.value.hint)


@pytest.mark.parametrize("density", [0, 0.1])
def test_sparse_inputs_need_less_room(density, seed):
    """An input that would not fit if it were dense is judged by its values."""
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 100, (2, 1, 9, 176), np.int8) * (rng.random((2, 1, 9, 176)) < density)
    w = rng.integers(-100, 100, (1, 1, 176, 8), np.int8)
    one = Job(name="c", a=x, b=w, convolution={})
    assert np.array_equal(map_job(TINY, one).golden(), expected_outputs(one))
    x[...], x[:, :, ::3] = 0, 1  # dense in one bank
    with pytest.raises(ConfigError, match="activations of a region must be of at most 128 words a bank"):
        map_job(TINY, Job(name="c", a=x, b=w, convolution={}))


def test_what_registers_complain_of():
    assert errors_text({"errors": 0}) == ""
    overflow = {"errors": REGISTERS["errors"].pack(overflow=1)}
    assert "32 bits" in ENGINE.complaint(overflow, wraps=False) and ENGINE.complaint(overflow, wraps=True) == ""
    both = {"errors": REGISTERS["errors"].pack(read=1, stream=1)}
    assert errors_text(both) == "Memory answered a read with an error. A core got malformed weights or activations."
