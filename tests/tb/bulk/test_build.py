import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tensorloom.hw.errors import UsageError
from tensorloom.hw.folders import is_plain
from tensorloom.tb.build_log import BuildError
from tensorloom.tb.bulk.cache import Cache
from tensorloom.tb.bulk.model import build
from tensorloom.tb.tools import ToolError

from ...marks import slow

BUILDER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
from tensorloom.tb.bulk.model import build
build(sys.argv[1], progress=lambda text: print(text, flush=True))
"""


def entries(folder):
    """Names in a cache apart from locks."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def delayed(model):
    return model.cycles({"i_data": np.arange(5)}, ["o_data"])["o_data"].tolist()


@pytest.fixture
def source(designs, tmp_path):
    return designs.chain(tmp_path / "design")


@pytest.fixture
def another(source, cache):
    """Make a folder a cache that holds nothing but what all designs share: that takes longer than they do."""
    build(source, cache=cache)

    def make(folder):
        for harness in cache.folder.glob("*/harness.o"):
            shutil.copytree(harness.parent, folder / harness.parent.name)
        return Cache(folder)

    return make


@pytest.mark.parametrize("number", slow([signal.SIGKILL, signal.SIGINT], signal.SIGKILL.__eq__))
def test_interrupted_build_leaves_no_entry(source, another, tmp_path, number):
    folder = tmp_path / "cache"
    another(folder)
    before = entries(folder)
    environment = os.environ | {"TENSORLOOM_CACHE": str(folder)}
    builder = subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(source)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with builder:
        assert builder.stdout
        lines = [builder.stdout.readline(), builder.stdout.readline()]
        assert "compiling" in lines[1]
        time.sleep(0.3)
        builder.send_signal(number)
    assert builder.returncode != 0
    left = [name for name in entries(folder) if not name.endswith((".tmp", ".log"))]
    assert left == before
    if number == signal.SIGINT:
        assert entries(folder) == before  # nothing at all
    seen = []
    model = build(source, cache=Cache(folder), progress=seen.append)
    assert delayed(model) == [0, 0, 0, 1, 2] and len(seen) == 2
    assert not [name for name in entries(folder) if name.endswith((".tmp", ".log"))]


def test_cached_damaged_and_concurrent(source, another, tmp_path):
    cache = another(tmp_path / "cache")
    with ThreadPoolExecutor(2) as pool:
        models = list(pool.map(lambda _: build(source, cache=cache), range(2)))
    assert sorted(model.meta["cached"] for model in models) == [False, True]
    meta = models[0].meta
    assert meta["build_seconds"] > 0 and meta["bytes"] > 10_000
    library = next(path.parent / "model.so" for path in cache.folder.glob("*/meta.json") if "chain" in path.read_text())
    seen = []
    assert build(source, cache=cache, progress=seen.append).meta["cached"] and seen == []
    for damaged in (library, library.with_name("meta.json")):
        start = damaged.read_bytes()[:100]
        damaged.unlink()  # the library is still mapped into this process
        damaged.write_bytes(start)
        model = build(source, cache=cache)
        assert not model.meta["cached"] and delayed(model) == [0, 0, 0, 1, 2]
    assert sorted(path.name for path in library.parent.iterdir()) == ["meta.json", "model.so"]


def test_verilog_error_is_readable(designs, cache, tmp_path):
    source = designs.chain(tmp_path, designs.CHAIN.replace("o_data <= i_data", "o_data <= missing"))
    with pytest.raises(BuildError) as caught:
        build(source, cache=cache)
    lines = str(caught.value).splitlines()
    assert lines[0] == "verilator failed:" or lines[0] == "make failed:"
    assert any("chain.v:3:" in line and "missing" in line for line in lines) and len(lines) <= 7
    assert "missing" in Path(lines[-1].removeprefix("full log: ")).read_text()


def test_compiler_error_is_readable(designs, tmp_path):
    cache = Cache(tmp_path / "cache")
    with pytest.raises(BuildError, match=r"make failed:\n.*no_such_flag"):
        build(designs.accumulator(tmp_path), cache=cache, flags=["-CFLAGS", "-fno_such_flag"])
    assert not list(cache.folder.glob("*.tmp"))


def test_missing_compiler(source, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolError, match=r"g\+\+, make, perl not found: install the system packages g\+\+ make perl"):
        build(source, cache=cache)


def test_level_of_optimization(source, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORLOOM_OPTIMIZE", "fast")
    with pytest.raises(UsageError, match="TENSORLOOM_OPTIMIZE must be one of 0, 1, 2, 3, not 'fast'"):
        build(source, cache=cache)


def test_cache_folder_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORLOOM_CACHE", str(tmp_path / "here"))
    assert Cache().folder == tmp_path / "here"
    monkeypatch.delenv("TENSORLOOM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Cache().folder.name == "tensorloom"


ODD = ["a b", "$HOME & touch oops; ('\"\\`#:|<>$LIB\n"]


@pytest.mark.parametrize("name", slow(ODD, "a b".__eq__))
def test_any_path_of_the_cache(name, source, another, tmp_path, monkeypatch):
    """Of a hierarchical design, as its makefiles name the folder that they are in."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / name / "cache"
    another(folder)
    model = build(source, cache=Cache(folder))
    assert delayed(model) == [0, 0, 0, 1, 2] and not model.meta["cached"]
    assert build(source, cache=Cache(folder)).meta["cached"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["design", name])
    assert not [entry for entry in entries(folder) if entry.endswith((".tmp", ".log"))]


def test_work_of_a_dead_builder_outside_the_cache_is_removed(source, tmp_path):
    cache = Cache(tmp_path / "a b")
    with cache.lock("key"), pytest.raises(OSError), cache.work_folder("key") as dead:
        (link,) = cache.folder.glob("key.*.tmp")
        (dead / "half").touch()
        assert is_plain(dead) and link.resolve() == dead and cache.folder not in dead.parents
        link.rename(cache.folder / "key.dead.tmp")  # it stays, as does the folder
        raise OSError
    assert (dead / "half").exists()
    with cache.lock("other"), cache.work_folder("other"):
        assert not dead.exists()
    assert entries(cache.folder) == []


def test_unwritable_cache(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        build(source, cache=Cache(tmp_path / "file" / "cache"))
