"""What the cycle model refuses: works that are not what their commands say."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError, WrongTypeError
from tensorloom.hw.snap_chip.config import PRESETS
from tensorloom.sim.memory_timing import MemoryTiming
from tensorloom.sim.snap_chip.command import command_fields
from tensorloom.sim.snap_chip.cycles import simulate_chip
from tensorloom.sim.snap_chip.frame import layer_work
from tensorloom.sim.snap_chip.sharing import alone
from tensorloom.sim.workloads.layers import LayerShape

CONFIG = PRESETS["snap-chip-tiny"]
SHAPE = LayerShape(name="any/3x3", height=8, width=8, channels=24, rows=3, columns=3, kernels=16, padding=1)
WORK = layer_work(CONFIG, SHAPE, (0.6, 0.5), residual=0.3)
RING = WORK.weights[0]
ONES = np.uint64(2**64 - 1)


def changed(**fields: Any) -> Any:
    return dataclasses.replace(WORK, **fields)


def ring(**fields: Any) -> Any:
    """The work with another first weight buffer."""
    return changed(weights=(dataclasses.replace(RING, **fields), *WORK.weights[1:]))


def command(**fields: Any) -> Any:
    return changed(command=WORK.command | fields)


def refused(work: Any, message: str, kind: type[ConfigError] = ConfigError) -> None:
    with pytest.raises(kind) as info:
        simulate_chip(CONFIG, [work])
    assert str(info.value).startswith(f"layer 0: {message}"), info.value
    assert len(str(info.value)) < 250 and "\n" not in str(info.value)


@pytest.mark.parametrize("name", ["inputs", "outputs", "residual"])
def test_tensors(name):
    array = getattr(WORK, name)
    shape = f"{name} must be of shape {array.shape}, as the command says"
    for wrong in (array[:2], array[:, :2], array[:, :, :1], array[0], array[:0], np.concatenate([array, array])):
        refused(changed(**{name: wrong}), shape)
    for other in (array.astype(np.int64), array.astype(">u8"), None, [1], "x"):
        refused(changed(**{name: other}), f"{name} must be an array of uint64", WrongTypeError)
    refused(changed(**{name: array | ONES}), f"{name} must be bitmaps without bits behind the channels")


def test_weights():
    groups = len(RING.counts)
    for work in (changed(weights=()), changed(weights=WORK.weights[:1]), changed(weights=WORK.weights * 2)):
        refused(work, "weights must be of 4 weight buffers")
    refused(changed(weights=(None,) * 4), "weights[0] must be a ColumnWork, not None", WrongTypeError)
    for name in ("bitmaps", "windows", "counts"):
        array = getattr(RING, name)
        for wrong in (
            array[: groups // 2],
            array[:0],
            np.concatenate([array, array]),
            array.reshape(-1, 1)[:, :, None],
        ):
            refused(ring(**{name: wrong}), f"weights[0].{name} must be of shape {array.shape}")
        for other in (array.astype(np.int32), array.astype(float), None):
            refused(ring(**{name: other}), f"weights[0].{name} must be an array of", WrongTypeError)
    refused(ring(bitmaps=RING.bitmaps | ONES), "weights[0].bitmaps must be bitmaps without bits behind the channels")
    refused(ring(bitmaps=0 * RING.bitmaps), "weights[0].windows must be entries of the windows")
    for windows in (-RING.windows, 0 * RING.windows, 1000 * RING.windows + 7):
        refused(ring(windows=windows), "weights[0].windows must be entries of the windows")
    refused(ring(counts=0 * RING.counts), "weights[0].counts must be from 1 to 4, not 0")
    refused(ring(counts=0 * RING.counts + 1000), "weights[0].counts must be from 1 to 4, not 1000")
    second = dataclasses.replace(WORK.weights[1], counts=1 + RING.counts % 2)
    refused(changed(weights=(RING, second, *WORK.weights[2:])), "weights[1].counts must be those of the core's first")


def test_weights_of_too_many_beats():
    """Four dense kernels of eight channels in a single window."""
    work = layer_work(CONFIG, dataclasses.replace(SHAPE, channels=16), (0.6, 0.2))
    full = np.full_like(work.weights[0].bitmaps, 255)
    assert full.shape[1] == 4
    windows = np.zeros_like(work.weights[0].windows)
    windows[:, 0] = 32
    ring = dataclasses.replace(RING, bitmaps=full, windows=windows, counts=np.ones_like(work.weights[0].counts))
    message = f"weights[0].windows must be windows of at most {CONFIG.core.window_beats} beats"
    refused(dataclasses.replace(work, weights=(ring,) * 4), message)


def test_commands():
    refused(changed(command={}), "command must have all fields of this chip's, also operation")
    refused(command(rounds=2.0), "rounds must be an integer, not 2.0", WrongTypeError)
    refused(command(operation=0), "operation must be convolve or pool, not 0")
    refused(command(weight_beats_0=1), f"weight_beats_0 must be {WORK.command['weight_beats_0']}, the beats of weights")
    refused(command(residual=0), "residual must be None, as the command says, not 'ndarray'")
    assert simulate_chip(CONFIG, [command(interrupt=1)]).cycles > 0


def test_every_field_is_looked_at():
    """Another value of any field makes another legal command or is refused; the model neither crashes nor hangs."""
    ran = dict.fromkeys((name for name, _, _ in command_fields(CONFIG)), 0)
    for name in ran:
        for value in (-1, 0, 1, 2, 50, 1000, 1 << 40):
            if value == WORK.command[name]:
                continue
            try:
                ran[name] += simulate_chip(CONFIG, [command(**{name: value})]).cycles > 0
            except ConfigError as error:
                assert str(error).startswith("layer 0: ")
    assert sum(ran.values()) > 50 and ran["in_zero"] == 3  # -1 is not uint8, 1000 is too large
    for name in ("height", "width", "tiles", "rounds", "weight_groups", "out_lines", "regions", "scale_beats"):
        assert not ran[name]


def test_what_is_no_work():
    with pytest.raises(WrongTypeError, match="works must be a sequence of LayerWork, not None"):
        simulate_chip(CONFIG, None)  # pyrefly: ignore[bad-argument-type]
    with pytest.raises(WrongTypeError, match="config must be a SnapChipConfig.*, not 'snap-chip'"):
        simulate_chip("snap-chip", [WORK])  # pyrefly: ignore[bad-argument-type]
    refused(None, "work must be a LayerWork, not None", WrongTypeError)
    with pytest.raises(ConfigError, match="layer 1: "):
        simulate_chip(CONFIG, [WORK, command(rounds=1)])
    for address in (-1, 1 << 32):
        with pytest.raises(ConfigError, match="list_address must be an integer from 0 to"):
            simulate_chip(CONFIG, [WORK], list_address=address)
    with pytest.raises(WrongTypeError, match="list_address must be an integer, not 8.0"):
        simulate_chip(CONFIG, [WORK], list_address=8.0)  # pyrefly: ignore[bad-argument-type]
    with pytest.raises(ConfigError, match="core must be an integer from 0 to 1, not 2"):
        alone(CONFIG, WORK, 2)
    with pytest.raises(ConfigError, match="timing must be without random stalls"):
        simulate_chip(CONFIG, [WORK], timing=MemoryTiming(stalls=0.1))


@pytest.mark.parametrize(
    "config",
    [PRESETS["snap-chip"], CONFIG.replace(cores=1), CONFIG.replace(cores=4), CONFIG.replace(bank_rows=4)],
    ids=["chip", "one core", "four cores", "small banks"],
)
def test_work_of_another_chip(config):
    with pytest.raises(ConfigError, match="layer 0: "):
        simulate_chip(config, [WORK])
