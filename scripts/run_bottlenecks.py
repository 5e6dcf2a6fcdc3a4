#!/usr/bin/env python3
"""Run bottleneck blocks of ResNet-50 on the Verilog of the SNAP chip; keep the figures with the digest of the design.

The Verilator build of the whole chip and the simulation take minutes each.
"""

import argparse
from pathlib import Path

from tensorloom.cli.output import Stages
from tensorloom.run.execution import Simulator
from tensorloom.run.mutation.records import write_record
from tensorloom.run.registry import find_preset
from tensorloom.run.snap_chip.bottlenecks import BLOCKS, PRESET, RECORDS, block_layers, measure_bottlenecks


def main() -> None:
    """Run, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    text = "folder of the record (run/snap_chip/recorded)"
    parser.add_argument("-o", "--output", type=Path, default=RECORDS, metavar="DIR", help=text)
    folder = parser.parse_args().output
    design = find_preset(PRESET)
    assert design is not None
    write_record(measure_bottlenecks(Simulator(design, stages=Stages()), [*map(block_layers, BLOCKS)]), folder)


if __name__ == "__main__":
    main()
