"""What words of the input stream say: the one place that defines it."""

import enum

from .config import EieConfig

__all__ = ["Clear", "Kind", "addresses"]


class Kind(enum.IntEnum):
    """What a word is. The address of one for the clusters' memories is ``place * word_groups + group``.

    ``MATRIX``: a line of each cluster of the group. ``POINTERS``: a word of their pointers. ``CODEBOOK``: weights of a
    quarter of its codes; address 4 * codebook + quarter. ``ACTIVATIONS``: a part of a line of them; address
    ``line * line_parts + part``. ``JOB``: `job_layout`, at its number. ``RUN``: jobs from the address to the number in
    the data. ``READ``: give the lines from the address to the number in the data. ``CLEAR``: `Clear` in the data.
    """

    MATRIX = 0
    POINTERS = 1
    CODEBOOK = 2
    ACTIVATIONS = 3
    JOB = 4
    RUN = 5
    READ = 6
    CLEAR = 7


class Clear(enum.IntFlag):
    """What is set to 0: counters, errors, the sums that a job has kept."""

    COUNTERS = 1
    ERRORS = 2
    SUMS = 4


def addresses(config: EieConfig) -> dict[Kind, int]:
    """Number of addresses that a word of each kind may have."""
    lines = config.entries // config.line_entries
    return {
        Kind.MATRIX: lines * config.word_groups,
        Kind.POINTERS: config.pointers * config.word_groups,
        Kind.CODEBOOK: 4 * config.codebooks,
        Kind.ACTIVATIONS: config.activation_lines * config.line_parts,
        Kind.JOB: config.jobs,
        Kind.RUN: config.jobs,
        Kind.READ: config.activation_lines,
        Kind.CLEAR: 1,
    }
