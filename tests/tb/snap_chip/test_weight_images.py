"""Images of weights and their beats, written twice: for testbenches of hardware, and in the golden model."""

import random

import numpy as np
import pytest

from tensorloom.sim.snap_chip.weights import RingWeights, encode_ring, window_beats
from tensorloom.tb.snap_chip.parts import CONFIGS
from tensorloom.tb.snap_chip.weight_images import beats_of, random_layers


@pytest.mark.parametrize("config", CONFIGS.values(), ids=list(CONFIGS))
def test_both_are_the_same(config, seed):
    some = random.Random(seed)
    for layer in random_layers(config, some, 12):
        for groups, image in zip(layer.rounds, layer.images, strict=True):
            windows = np.array([[*group.windows, 0, 0, 0][:4] for group in groups])
            counts = np.array([len(group.windows) for group in groups])
            ring = RingWeights(np.array([group.kernels for group in groups], np.int8), windows, counts)
            data, beats = encode_ring(config, ring, 1)
            assert data.tobytes() == image and int(beats[0]) * config.bus.bytes == len(image)
            number, window, entries = window_beats(config, (ring.weights != 0).sum(2), windows, counts)
            edges = np.flatnonzero(np.diff(number, append=-1) | np.diff(window, append=-1))
            wanted = [beat for group in groups for beat in beats_of(config, group)]
            assert [len(beat["entries"]) for beat in wanted] == entries.tolist()
            assert [place for place, beat in enumerate(wanted) if beat["last"]] == edges.tolist()
