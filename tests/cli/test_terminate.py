import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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
