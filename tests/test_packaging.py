"""The wheel holds everything, and the packages keep apart what must be apart."""

import ast
import fnmatch
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("hw", "sim", "tb", "run", "fpga", "cli")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel that is built from a copy, as a leftover build folder would hide what is missing."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in (*PACKAGES, "tensorloom"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-build-isolation", "--no-index", "-w", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = target.glob("*.whl")
    return set(zipfile.ZipFile(path).namelist())


def test_wheel_holds_every_module(wheel: set[str]) -> None:
    expected = {f"tensorloom/{path.relative_to(ROOT).as_posix()}" for path in SOURCES}
    expected |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "tensorloom").iterdir() if path.is_file()}
    assert len(expected) > 20
    assert expected - wheel == set()


def test_wheel_holds_data_and_sources_of_other_languages(wheel: set[str]) -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    suffixes = {Path(pattern).suffix for group in patterns.values() for pattern in group}
    expected = {
        f"tensorloom/{path.relative_to(ROOT).as_posix()}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    }
    assert {Path(name).suffix for name in expected} <= suffixes
    assert any(fnmatch.fnmatch(name, "*/data/*.npz") for name in expected)
    assert expected - wheel == set()


def test_wheel_holds_nothing_else(wheel: set[str]) -> None:
    roots = {name.split("/")[1] for name in wheel if name.startswith("tensorloom/")}
    assert roots == {*PACKAGES} | {path.name for path in (ROOT / "tensorloom").iterdir() if path.is_file()}
    assert all(name.startswith(("tensorloom/", "tensorloom-")) for name in wheel)


def test_every_folder_with_code_is_a_package() -> None:
    missing = {path.parent for path in SOURCES if not (path.parent / "__init__.py").exists()}
    assert missing == set()


@pytest.mark.parametrize(
    ("package", "banned"),
    [
        ("sim", ["amaranth", "cocotb", "typer"]),
        ("hw", ["numpy", "cocotb", "typer"]),
        ("fpga", ["cocotb", "typer"]),
        ("run", ["cocotb", "typer"]),
    ],
)
def test_packages_import_only_what_they_may(package: str, banned: list[str]) -> None:
    modules = [
        "tensorloom." + ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] == package
    ]
    done = run_python(
        f"import importlib, sys\n"
        f"for module in {modules!r}: importlib.import_module(module)\n"
        f"print(*(name for name in {banned!r} if name in sys.modules))"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_command_line_starts_without_heavy_packages() -> None:
    done = run_python("import sys, tensorloom.cli.main; print(*{'amaranth', 'numpy', 'sklearn'} & set(sys.modules))")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_no_package_is_imported_from_the_root() -> None:
    """From the repository's root, ``import hw`` would load a second copy of every class."""
    wrong = []
    for path in [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "scripts").glob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            wrong += [f"{path}: {name}" for name in names if name.split(".")[0] in PACKAGES]
    assert wrong == []


def test_constraints_satisfy_the_ranges() -> None:
    """Every dependency has an exact version in constraints.txt, and it is one that pyproject.toml allows."""
    requirements = pytest.importorskip("packaging.requirements")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")
    )
    pins = {name.lower().replace("_", "-"): version for name, version in pins.items()}
    extras = project["optional-dependencies"].values()
    for text in [*project["dependencies"], *(text for extra in extras for text in extra)]:
        requirement = requirements.Requirement(text)
        assert requirement.name in pins
        assert requirement.specifier.contains(pins[requirement.name]), text
        assert any(spec.operator.startswith("<") for spec in requirement.specifier), f"{text} has no upper bound"


def test_files_name_no_package_index() -> None:
    for name in ("constraints.txt", "pyproject.toml", "scripts/setup"):
        text = (ROOT / name).read_text()
        assert "index-url" not in text and "://" not in text
