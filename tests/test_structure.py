"""Each engine lives in folders of its name, and nothing else knows it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tensorloom.run.registry import engines

ROOT = Path(__file__).parent.parent
PACKAGES = ("hw", "sim", "tb", "run", "fpga", "cli")
ENGINES = [engine.package for engine in engines().values()]

MADE_OF: dict[str, tuple[str, ...]] = {"snap_chip": ("snap",), "tpu": ("systolic",)}
"""Engines that an engine is made of, whose parts it may use: a chip its core, a TPU its matrix unit."""

ALLOWED = {
    "hw": {"hw"},
    "sim": {"sim", "hw"},
    "tb": {"tb", "sim", "hw"},
    "run": {"run", "tb", "sim", "hw", "fpga"},
    "fpga": {"fpga", "tb", "sim", "hw"},
    "cli": {"cli", "run", "fpga", "tb", "hw", "sim"},
}
"""What the modules of each package may import."""


def owner(path: Path) -> str | None:
    """The engine whose folder or module a file is, or None."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return next((part for part in parts[1:] if part in ENGINES), None)


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@cache
def imports(path: Path) -> list[tuple[str, ...]]:
    """Modules that a file imports of the project, as paths from the root: ``("hw", "config")``."""
    package, found = path.relative_to(ROOT).parent.parts, []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            found.append((*base, *(node.module.split(".") if node.module else [alias.name for alias in node.names])))
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_in_one_direction(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {'.'.join(found)}"
        for path in sources()
        for found in imports(path)
        if path.relative_to(ROOT).parts[0] == package and found[0] not in ALLOWED[package]
    ]
    assert wrong == []


def test_hardware_and_models_know_only_configurations_of_each_other() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {'.'.join(found)}"
        for path in sources()
        for found in imports(path)
        if path.relative_to(ROOT).parts[0] == "sim"
        and found[0] == "hw"
        and found[-1] not in ("config", "errors", "command", "isa")
    ]
    assert wrong == []


def test_no_engine_imports_another() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {'.'.join(found)}"
        for path in sources()
        for found in imports(path)
        for engine in ENGINES
        if engine in found and owner(path) not in (engine, None) and engine not in MADE_OF.get(str(owner(path)), ())
    ]
    assert wrong == []


@cache
def names_of(engine: str) -> set[str]:
    """What would betray an engine: its name, and its presets."""
    found = next(one for one in engines().values() if one.package == engine)
    return {engine, found.name, *found.presets}


def test_no_neutral_file_names_an_engine() -> None:
    wrong = []
    for path in sources():
        if owner(path) is None:
            text = path.read_text(encoding="utf-8")
            words = re.findall(r"[\w-]+", text)
            for engine in ENGINES:
                found = sorted({word for word in words if word in names_of(engine) - COMMON_WORDS})
                wrong += [f"{path.relative_to(ROOT)}: {word}" for word in found]
                wrong += [
                    f"{path.relative_to(ROOT)}: {'.'.join(module)}" for module in imports(path) if engine in module
                ]
    assert wrong == []


COMMON_WORDS = {"tiny"}
"""Presets whose names are words of the language too."""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("package", ["hw", "sim", "tb", "run", "tests/hw", "tests/sim"])
def test_every_engine_has_its_folders(engine: str, package: str) -> None:
    assert (ROOT / package / engine).is_dir()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_on_boards_has_a_module_for_its_self_test(engine: str) -> None:
    found = next(one for one in engines().values() if one.package == engine)
    assert (found.fpga is not None) == (ROOT / "fpga" / f"{engine}.py").is_file()


def test_files_of_an_engine_are_in_its_folders() -> None:
    """No ``snap_batch.py`` beside ``snap/``."""
    wrong = [
        str(path.relative_to(ROOT))
        for path in sources()
        for engine in ENGINES
        if re.search(rf"(^|_){engine}(_|$)", path.stem)
        and engine not in path.relative_to(ROOT).parent.parts
        and path.relative_to(ROOT).parts[0] != "fpga"
    ]
    assert wrong == []
