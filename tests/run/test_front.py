"""Fronts of sweeps: by brute force, and as pictures."""

import random
from typing import Any
from xml.etree import ElementTree

import pytest

from tensorloom.hw.errors import UsageError
from tensorloom.run.sweep.front import MOST_NUMBERS, draw_front, find_front


def total(area: int, macs: int, density: float = 1.0, **fields: Any) -> dict[str, Any]:
    return {
        "fields": fields, "activation_density": density, "weight_density": 1.0, "area": area, "macs": macs,
        "cycles": 100, "useful_per_mnand2": round(macs / 100 / area * 1e6, 3),
    }  # fmt: skip


def test_nothing_beats_what_is_on_a_front(seed: int) -> None:
    rng = random.Random(seed)
    rows = [total(rng.randrange(1, 9), rng.randrange(1, 9), rng.choice((0.5, 1.0)), n=n) for n in range(60)]
    fronts = find_front(rows)
    assert {front[0]["activation_density"] for front in fronts} == {0.5, 1.0}
    for front in fronts:
        rivals = [row for row in rows if row["activation_density"] == front[0]["activation_density"]]
        for row in rivals:
            better = [
                other
                for other in rivals
                if other["area"] <= row["area"]
                and other["macs"] >= row["macs"]
                and (other["area"], other["macs"]) != (row["area"], row["macs"])
            ]
            equal = [one for one in front if (one["area"], one["macs"]) == (row["area"], row["macs"])]
            assert len(equal) == (0 if better else 1)
        assert [row["area"] for row in front] == sorted({row["area"] for row in front})


def test_what_has_no_area_is_on_no_front() -> None:
    refused = {name: value for name, value in total(1, 9, n=1).items() if name != "useful_per_mnand2"}
    assert find_front([refused, total(2, 1, n=2)]) == [[total(2, 1, n=2)]]
    assert find_front([refused]) == [[]]
    with pytest.raises(UsageError, match="a configuration at least whose layers all fit"):
        draw_front([refused])


def test_picture() -> None:
    rows = [total(10**6 * n, 1000 * (6 - abs(n - 5)), tiles=n, same=3) for n in range(1, 9)]
    root = ElementTree.fromstring(draw_front(rows))
    texts = [node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text")]
    named = [text for text in texts if ": tiles " in text]
    assert named == [f"{n}: tiles {n}; {round((6 - abs(n - 5)) * 10 / n, 3):g}" for n in (1, 2, 3, 4, 5)]
    assert any("density 1/1: fields that differ" in text for text in texts)
    boxes = list(root.iter("{http://www.w3.org/2000/svg}rect"))
    assert len(boxes) == 1 + 8 + 5 + 1  # the sheet, all points, those of the front, legend
    points = [(float(box.attrib["x"]), float(box.attrib["y"])) for box in boxes if box.attrib["width"] == "6"]
    assert points == sorted(points) and [y for _, y in points] == sorted((y for _, y in points), reverse=True)
    with pytest.raises(UsageError, match=f"{MOST_NUMBERS} configurations on their fronts, not 1 and 31"):
        draw_front([total(n, n * n, n=n) for n in range(1, 32)])


@pytest.mark.parametrize("macs", [(100, 100), (100, 101)])
def test_picture_of_what_hardly_differs(macs: tuple[int, int]) -> None:
    ElementTree.fromstring(draw_front([total(10**6, macs[0], n=1), total(10**6 + 1, macs[1], n=2)]))
