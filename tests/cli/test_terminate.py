import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("tensorloom")


def test_a_terminated_command_ends_its_tools_and_leaves_no_files(tmp_path):
    cache = tmp_path / "cache"
    command = subprocess.Popen(
        [PROGRAM, "sim", "systolic-16", "--matmul", "16x16x16"],
        env=os.environ | {"TENSORLOOM_CACHE": str(cache)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with command:
        until = time.monotonic() + 120
        while not list(cache.glob("**/*.tmp")) and time.monotonic() < until:
            time.sleep(0.1)
        assert list(cache.glob("**/*.tmp")), "no build began"
        command.send_signal(signal.SIGTERM)
    assert command.returncode == 128 + signal.SIGTERM
    assert not list(cache.glob("**/*.tmp"))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_an_interrupt_during_imports_says_one_line(share: float, tmp_path: Path) -> None:
    """Whenever it comes: the first line of standard error tells that the handler is there."""
    code = (
        "import sys; import tensorloom.cli.start as start\n"
        "def told(name, *rest):\n    sys.stderr.write(name + chr(10))\n"
        "sys.meta_path.insert(0, type('Told', (), {'find_spec': staticmethod(told)}))\n"
        "sys.argv = ['tensorloom', 'list']; start.main()"
    )
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.splitlines()
    assert len(lines) > 50
    command = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    with command:
        assert command.stdout and command.stderr
        for _ in range(int(share * len(lines))):
            command.stderr.readline()
        command.send_signal(signal.SIGINT)
        rest, printed = command.stderr.read().splitlines(), command.stdout.read()
    if command.returncode:  # else it was through before
        assert command.returncode == 130 and rest[-1] == "error: interrupted" and not printed
        assert not [line for line in rest if "Traceback" in line]


def test_an_interrupt_in_a_text_that_is_executed(tmp_path: Path) -> None:
    """As packages execute some: Python would end by the signal after all, where it runs a module."""
    (tmp_path / "stopped.py").write_text(
        "import os, signal, sys\nfrom tensorloom.cli import main\n"
        "@main.app.command()\ndef stop():\n    exec('os.kill(os.getpid(), signal.SIGINT)')\n"
        "sys.argv = ['tensorloom', 'stop']\nmain.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "stopped"], cwd=tmp_path, capture_output=True, text=True, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")


SIZES = ("rows=2048", "columns=2048", "tile_rows=16", "tile_columns=16")


@pytest.mark.parametrize(
    ("number", "code", "line"), [(signal.SIGTERM, 143, "error: terminated"), (signal.SIGINT, 130, "error: interrupted")]
)
def test_a_stopped_emission_says_one_line(number: int, code: int, line: str, tmp_path: Path) -> None:
    """And not one for each part of the design that is not used any more."""
    options = [text for size in SIZES for text in ("--set", size)]
    command = subprocess.Popen(
        [PROGRAM, "verilog", "tiny", *options, "-o", tmp_path / "out"],
        env=os.environ | {"TENSORLOOM_CACHE": str(tmp_path / "cache")}, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    with command:
        assert command.stderr and command.stderr.readline().startswith("warning: ")  # so many tiles take long
        assert command.stderr.readline().startswith("Emitting")
        time.sleep(3)
        command.send_signal(number)
        assert command.stderr.read() == f"{line}\n"
    assert command.returncode == code
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (signal.SIGTERM, 143, "error: terminated"),
        (signal.SIGINT, 130, "error: interrupted"),
        (signal.SIGHUP, 129, "error: the terminal was closed"),
    ],
)
def test_stopped_waveforms_leave_the_old_ones(number: int, code: int, line: str, tmp_path: Path) -> None:
    (tmp_path / "w.vcd").write_text("earlier")

    def as_in_a_shell() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    command = subprocess.Popen(
        [PROGRAM, "sim", "tiny", "--matmul", "3000x64x64", "--window", "0:100000000", "--vcd", "w.vcd", "-o", "r.npy"],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=as_in_a_shell,
    )  # fmt: skip
    with command:
        until = time.monotonic() + 120
        while not any(path.stat().st_size for path in tmp_path.glob(".w.vcd.*")) and time.monotonic() < until:
            time.sleep(0.05)
        command.send_signal(number)
        assert command.stderr and command.stderr.read().splitlines()[-1] == line
    assert command.returncode == code
    assert [path.name for path in tmp_path.iterdir()] == ["w.vcd"] and (tmp_path / "w.vcd").read_text() == "earlier"
