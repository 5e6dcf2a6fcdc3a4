"""Well-known networks, quantized by onnxruntime."""

import logging
from collections import Counter

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from tensorloom.hw.config import ConfigError
from tensorloom.sim.network.execute import execute
from tensorloom.sim.network.graph import Pool
from tensorloom.sim.network.importer import from_model
from tensorloom.sim.network.zoo import network_of

from .models import check, kinds, reference


class Images(CalibrationDataReader):
    """Two random images."""

    def __init__(self, model):
        (value,) = model.graph.input
        self.name = value.name
        self.shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        rngs = np.random.default_rng(1), np.random.default_rng(2)
        self.images = [{self.name: rng.standard_normal(self.shape, np.float32)} for rng in rngs]

    def get_next(self):  # pyrefly: ignore[bad-override]  # None ends it, whatever the base says
        return self.images.pop() if self.images else None


def quantized(model, path, **options):
    """A model quantized for 8 bits, with scales of channels; weights have 7 bits, for processors without VNNI."""
    logging.disable(logging.WARNING)  # that it was not preprocessed
    try:
        quantize_static(model, path, Images(model), per_channel=True, reduce_range=True, **options)
    finally:
        logging.disable(logging.NOTSET)
    return onnx.load(path)


@pytest.mark.parametrize("activations", [QuantType.QUInt8, QuantType.QInt8])
@pytest.mark.parametrize("form", [QuantFormat.QDQ, QuantFormat.QOperator])
def test_squeezenet(tmp_path, form, activations):
    model = network_of("squeezenet", 48)
    found = quantized(model, tmp_path / "model.onnx", quant_format=form, activation_type=activations)
    images = Images(model)
    network = check(found, {images.name: images.images[0][images.name]}, optimize=form == QuantFormat.QDQ)
    assert Counter(kinds(network))["Convolution"] == 26


def test_resnet(tmp_path):
    model = network_of("resnet50", 32)
    found = quantized(model, tmp_path / "model.onnx")
    images = Images(model)
    network = check(found, {images.name: images.images[0][images.name]}, optimize=True)
    counted = Counter(kinds(network))
    assert (counted["Convolution"], counted["Add"], counted["Product"]) == (53, 16, 1)
    assert sum(isinstance(node, Pool) for node in network.nodes) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["densenet121", "inception_v2", "shufflenet", "vgg19"])
def test_other_networks(tmp_path, name):
    """Those without LRN, every result of which is onnxruntime's."""
    model = network_of(name, 224 if name == "shufflenet" else 64)
    images = Images(model)
    check(quantized(model, tmp_path / "model.onnx"), {images.name: images.images[0][images.name]}, optimize=True)


@pytest.mark.slow
def test_floats_within_a_network(tmp_path):
    """Inception v1, which has LRN: probabilities are as near as a step of the quantized softmax."""
    model = network_of("inception_v1", 64)
    found, images = quantized(model, tmp_path / "model.onnx"), Images(model)
    inputs = {images.name: images.images[0][images.name]}
    network = from_model(found)
    assert Counter(kinds(network))["Floating"] == 2
    (result,), (expected,) = (
        one.values() for one in (execute(network, inputs), reference(found, inputs, optimize=True))
    )
    np.testing.assert_allclose(result, expected, atol=1 / 128)
    assert expected.max() > 0.1


def test_weights_follow_the_seed_and_activations_keep_their_size():
    models = [network_of("squeezenet", 48, seed) for seed in (1, 1, 2)]
    assert models[0] == models[1] != models[2]
    images = Images(models[0])
    (result,) = reference(models[0], images.images[0], optimize=True).values()
    assert result.shape == (1, 1000, 1, 1) and 2 < result.max() / result.mean()


def test_no_such_network():
    with pytest.raises(ConfigError, match="name must be one of bvlc_alexnet, .*, not 'lenet'"):
        network_of("lenet")
    with pytest.raises(ConfigError, match="size of shufflenet must be 224, as its graph has it, not 64"):
        network_of("shufflenet", 64)
