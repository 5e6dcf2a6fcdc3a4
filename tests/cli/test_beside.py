"""``tensorloom beside``: errors, and a small topology."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

TOPOLOGY = "name, h, w, r, s, c, k, stride,\nfirst, 4, 4, 3, 3, 2, 5, 1,\n"


def test_a_topology_runs(run: Callable, tmp_path: Path) -> None:
    file = tmp_path / "small.csv"
    file.write_text(TOPOLOGY)
    arguments = ("beside", "scale-sim", "--topology", str(file), "--design", "tiny")
    found = json.loads(run(*arguments, "--json").stdout)
    (layer,) = found["layers"]
    assert (layer["name"], layer["size"]) == ("small/first", "4x4x2,3x3,5")
    assert found["total"]["ours"]["macs"] == found["total"]["scale_sim"]["macs"] == 4 * 18 * 5
    text = run(*arguments).stdout
    assert f"{layer['scale_sim']['cycles']:,}" in text and "what is alike, and what isn't" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gem5",), "simulator must be one of scale-sim, not 'gem5'"),
        (("scale-sim", "alexnet/conv9"), "layers must be of alexnet, vgg16, resnet50, or one of them"),
        (("scale-sim", "--design", "snap-chip"), "scale-sim is compared with designs of systolic, not of snap-chip"),
        (("scale-sim", "alexnet", "--topology", "FILE"), "give names of layers or --topology, not both"),
        (("scale-sim", "--topology", "FILE"), "line 2 must be a name and seven integers"),
    ],
)
def test_wrong_options(fails: Callable, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("titles\nfirst, 4, 4\n")
    assert message in fails("beside", *(str(file) if one == "FILE" else one for one in arguments), code=2)
