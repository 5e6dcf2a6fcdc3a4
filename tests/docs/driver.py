"""Drivers in C as they stand on pages, on words of memory in place of registers."""

import os
import subprocess
from pathlib import Path

import pytest

from tensorloom.hw.bus.register_map import RegisterMap
from tensorloom.run.registers import register_files


def drive(folder: Path, language: str, registers: RegisterMap, code: str, call: str) -> tuple[int, list[int]]:
    """What a driver returns and leaves: `call` is its call, with the registers as ``words``, all 0."""
    for package in ("cheader", "html", "ipxact", "markdown"):
        pytest.importorskip(f"peakrdl_{package}")
    header = f"{registers.name}.h"
    (folder / header).write_bytes(register_files(registers)[header])
    count = max(address for register in registers.registers for address, _ in register.words()) // 4 + 1
    main = f"""
#include <stdio.h>
int main(void) {{
  static volatile uint32_t words[{count}];
  printf("%x\\n", (unsigned){call});
  for (int word = 0; word < {count}; word++) printf("%x\\n", (unsigned)words[word]);
  return 0;
}}
"""
    (folder / "main.c").write_text(code + main)
    command = [os.environ.get("CXX", "g++"), "-x", language, "-Wall", "-Wextra", "-Werror", "main.c", "-o", "main"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run([folder / "main"], capture_output=True, text=True, check=True, timeout=60)
    returned, *found = (int(word, 16) for word in done.stdout.split())
    return returned, found


def written(registers: RegisterMap, **values: int) -> list[int]:
    """Words of all registers after these were written, the others still 0."""
    words = {address: 0 for register in registers.registers for address, _ in register.words()}
    for name, value in values.items():
        words |= {address: value >> low & 0xFFFF_FFFF for address, low in registers[name].words()}
    return [words.get(address, 0) for address in range(0, max(words) + 4, 4)]
