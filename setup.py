"""Package list: setuptools cannot discover packages that live under another name (`hw` -> `tensorloom.hw`)."""

from pathlib import Path

from setuptools import setup

ROOTS = ("hw", "sim", "tb", "run", "fpga", "cli")

packages = {"tensorloom": "tensorloom"} | {
    f"tensorloom.{'.'.join(init.parent.parts)}": str(init.parent)
    for root in ROOTS
    for init in sorted(Path(root).rglob("__init__.py"))
}
setup(packages=list(packages), package_dir=packages)
