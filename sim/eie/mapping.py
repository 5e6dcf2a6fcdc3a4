"""Mapping of chains of fully connected layers to jobs.

Rows go to clusters and their slots; a layer with more rows than the machine has sums becomes several jobs of equal size
(passes). Outputs come out in another order than the layer's, so the columns of the next layer are put in that order. A
layer that doesn't fit the memories can be cut into parts of columns, whose sums are kept from job to job while memories
are loaded again.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...hw.config import check, check_int
from ...hw.eie.config import EieConfig
from ...hw.errors import ConfigError
from ..formats.coded import CodedMatrix
from ..formats.csc import InterleavedColumns, interleaved_rows
from .balance import balanced_rows
from .golden import Layer
from .program import EieProgram, Job, Load, check_jobs, output_position

__all__ = ["map_layers"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class _Part:
    """Columns of a pass: what becomes a job."""

    layer: int
    pointers: np.ndarray
    codes: list[np.ndarray]
    indices: list[np.ndarray]
    job: Job


@dataclasses.dataclass(eq=False, kw_only=True)
class _Memories:
    """What of a load's memories is taken: words of pointers, and entries by cluster."""

    pointers: list[np.ndarray]
    codes: list[list[np.ndarray]]
    indices: list[list[np.ndarray]]
    used: np.ndarray
    jobs: list[Job]


def map_layers(
    config: EieConfig, layers: Sequence[Layer], *, balance: bool | None = None, reload: bool = False
) -> EieProgram:
    """Map a chain of layers: each takes the outputs of the one before.

    Parameters
    ----------
    config
        The machine.
    layers
        At least one.
    balance
        Whether rows go to clusters by their work, or row i to cluster i modulo their number, as in the paper. By
        default they do if the index is absolute.
    reload
        Whether memories may be loaded again between jobs, if all layers don't fit together.

    Raises
    ------
    ConfigError
        With the number of the layer: it doesn't fit the one before it, a sum could need more bits than there are, or
        a memory is too small for it. If one is too small for all layers: what they need of it, in which cluster, and
        how many loads would do.
    """
    check("layers", len(layers) > 0, "at least one", len(layers))
    balance = not config.relative if balance is None else balance
    width = config.line_activations
    codebooks = _Codebooks(config)
    constants: dict[int, np.ndarray] = {}
    parts: list[_Part] = []
    source, positions = 0, np.arange(layers[0].inputs)
    source_lines = -(-len(positions) // width)
    for number, layer in enumerate(layers):
        try:
            layer.check()
            check("inputs", layer.inputs == len(positions), f"the {len(positions)} outputs before", layer.inputs)
            _check_sums(config, layer)
            count = len(layer.constants)
            check("constants", count <= width, f"at most {width}, a line", count)
            columns = source_lines * width + count if number or count else layer.inputs
            if count:
                constants[source + source_lines] = np.array(layer.constants, np.int64)
            destination = source + source_lines + bool(count)
            matrix = layer.matrix.spread(np.append(positions, source_lines * width + np.arange(count)), columns)
            job = Job(
                columns=columns, source=source, pointers=0, slots=1, destination=destination,
                codebook=codebooks.number(layer.matrix.codebook), shift=layer.shift, relu=layer.relu,
            )  # fmt: skip
            found, positions, output_lines = _passes(config, layer, matrix, number, job, balance)
            end = destination + output_lines
            limit = config.activation_lines
            check("activation_lines", end <= limit, f"at least {end} for the activations up to here", limit)
        except ConfigError as error:
            raise ConfigError(f"layer {number}: {error}") from None
        parts += found
        source, source_lines = destination, output_lines
    program = EieProgram(
        inputs=layers[0].inputs, codebooks=codebooks.table(), constants=constants,
        loads=_pack(config, parts, reload), output_line=source, order=positions,
    )  # fmt: skip
    check_jobs(config, program.jobs)
    return program


class _Codebooks:
    """Codebooks that layers share where they are equal."""

    def __init__(self, config: EieConfig) -> None:
        self._config = config
        self._found: list[list[int]] = []

    def number(self, codebook: np.ndarray) -> int:
        """Number of a codebook, which is filled up with zeros."""
        config, limit = self._config, 1 << self._config.data_bits - 1
        check("codebook", len(codebook) <= config.codes, f"of at most {config.codes} weights", len(codebook))
        for weight in codebook.tolist():
            check("codebook", -limit <= weight < limit, f"of weights from {-limit} to {limit - 1}", weight)
        filled = codebook.tolist() + [0] * (config.codes - len(codebook))
        if filled not in self._found:
            self._found.append(filled)
            count = len(self._found)
            check(
                "codebooks", count <= config.codebooks, f"at least {count} for the layers up to here", config.codebooks
            )
        return self._found.index(filled)

    def table(self) -> np.ndarray:
        return np.array(self._found, np.int64)


def _check_sums(config: EieConfig, layer: Layer) -> None:
    """Refuse rows whose sums some inputs would make too large; how sums are split over lanes doesn't matter then."""
    size = np.abs(layer.matrix.weights.astype(np.int64)) << config.data_bits - 1
    sums = np.bincount(layer.matrix.indices, weights=size, minlength=layer.matrix.rows)
    for row in np.flatnonzero(sums >= 1 << config.psum_bits - 1)[:1].tolist():
        bits = int(sums[row]).bit_length() + 1
        raise ConfigError(f"psum_bits must be at least {bits} for row {row}, not {config.psum_bits}", field="psum_bits")
    limit = 1 << config.data_bits - 1
    for value in layer.constants:
        check_int("constants", value, -limit, limit - 1)


def _passes(
    config: EieConfig, layer: Layer, matrix: CodedMatrix, number: int, job: Job, balance: bool
) -> tuple[list[_Part], np.ndarray, int]:
    """Jobs of a layer, the activation that has each output, and lines of them all."""
    count = -(-matrix.rows // config.total_rows)
    work = _work(layer) if balance else np.zeros(matrix.rows)
    parts, positions, line = [], [], 0
    for first, after in ((at * matrix.rows // count, (at + 1) * matrix.rows // count) for at in range(count)):
        rows = after - first
        owners, places = (
            balanced_rows(work[first:after], config.clusters) if balance else interleaved_rows(rows, config.clusters)
        )
        columns = InterleavedColumns.encode(
            matrix.row_range(first, after), config.clusters, owners, places, relative=config.relative,
            index_bits=config.index_bits,
        )  # fmt: skip
        mine = dataclasses.replace(job, slots=-(-rows // config.clusters), destination=job.destination + line)
        parts += _cut(config, columns, number, mine)
        positions.append(line * config.line_activations + output_position(config, owners, places))
        line += mine.output_lines(config)
    return parts, np.concatenate(positions), line


def _work(layer: Layer) -> np.ndarray:
    """By row: its entries, each counted as often as its input is not zero."""
    if layer.activity is None:
        return np.bincount(layer.matrix.indices, minlength=layer.matrix.rows).astype(np.float64)
    active = np.append(layer.activity, np.ones(len(layer.constants)))
    return np.bincount(layer.matrix.indices, weights=active[layer.matrix.owners], minlength=layer.matrix.rows)


def _cut(config: EieConfig, columns: InterleavedColumns, number: int, job: Job) -> list[_Part]:
    """Parts of columns that fit the memories, each of whole lines of activations."""
    width, pointers, first, parts = config.line_activations, columns.pointers, 0, []
    while first < columns.columns:
        ends = np.append(np.arange(first + width, columns.columns, width), columns.columns)
        entries = (pointers[:, ends] - pointers[:, [first]]).max(0)
        fit = (entries <= config.entries) & (ends - first + 1 <= config.pointers)
        if not fit[0]:
            field, need, has = max(
                ("entries", int(entries[0]), config.entries),
                ("pointers", int(ends[0]) - first + 1, config.pointers),
                key=lambda one: one[1] / one[2],
            )
            raise ConfigError(f"{field} must be at least {need} for columns {first} to {ends[0] - 1}, not {has}")
        end = int(ends[np.flatnonzero(fit)[-1]])
        spans = [slice(*(base + pointers[pe, [first, end]]).tolist()) for pe, base in enumerate(columns.bases[:-1])]
        parts.append(
            _Part(
                layer=number, pointers=pointers[:, first : end + 1] - pointers[:, [first]],
                codes=[columns.codes[span] for span in spans], indices=[columns.indices[span] for span in spans],
                job=dataclasses.replace(
                    job, columns=end - first, source=job.source + first // width, keep=end < columns.columns
                ),
            )
        )  # fmt: skip
        first = end
    return parts


def _pack(config: EieConfig, parts: list[_Part], reload: bool) -> list[Load]:
    """Put parts behind each other in the memories, and begin a new load where one doesn't fit."""
    loads: list[_Memories] = []
    for part in parts:
        if not loads or not _fits(config, loads[-1], part):
            loads.append(
                _Memories(
                    pointers=[], codes=[[] for _ in part.codes], indices=[[] for _ in part.codes],
                    used=np.zeros(config.clusters, np.int64), jobs=[],
                )
            )  # fmt: skip
        _place(config, loads[-1], part)
    if len(loads) > 1 and not reload:
        raise _too_large(config, parts, len(loads))
    return [
        Load(
            pointers=np.concatenate(memories.pointers, 1),
            codes=[np.concatenate(codes) for codes in memories.codes],
            indices=[np.concatenate(indices) for indices in memories.indices],
            jobs=memories.jobs,
        )
        for memories in loads
    ]


def _padded(count: Any, unit: int) -> Any:
    return -(-count // unit) * unit


def _fits(config: EieConfig, memories: _Memories, part: _Part) -> bool:
    words = sum(one.shape[1] for one in memories.pointers) + part.pointers.shape[1]
    entries = memories.used + part.pointers[:, -1]
    return len(memories.jobs) < config.jobs and words <= config.pointers and bool((entries <= config.entries).all())


def _place(config: EieConfig, memories: _Memories, part: _Part) -> None:
    """Put a part where the memories are free: pointers from an even word on, entries from the next line on."""
    base = sum(one.shape[1] for one in memories.pointers)
    words = part.pointers + memories.used[:, None]
    memories.pointers.append(np.pad(words, ((0, 0), (0, words.shape[1] % 2)), mode="edge"))
    memories.jobs.append(dataclasses.replace(part.job, pointers=base))
    for cluster, (codes, indices) in enumerate(zip(part.codes, part.indices, strict=True)):
        fill = -len(codes) % config.line_entries
        memories.codes[cluster].append(np.pad(codes.astype(np.int64), (0, fill)))
        memories.indices[cluster].append(np.pad(indices.astype(np.int64), (0, fill)))
    memories.used += _padded(part.pointers[:, -1], config.line_entries)


def _too_large(config: EieConfig, parts: list[_Part], loads: int) -> ConfigError:
    """What all layers together need of the first memory that is too small for them."""
    unit, used, words = config.line_entries, np.zeros(config.clusters, np.int64), 0
    for part in parts:  # in one memory, a pass would not be cut
        used += part.pointers[:, -1]
        words += part.job.columns
        if not part.job.keep:
            used, words = _padded(used, unit), _padded(words + 1, 2)
    cluster = int(np.argmax(used))
    needs = {
        "entries": (int(used[cluster]), f" in cluster {cluster}"),
        "pointers": (words, ""),
        "jobs": (sum(not part.job.keep for part in parts), ""),
    }
    field = next(field for field, (need, _) in needs.items() if need > getattr(config, field))
    (need, where), has = needs[field], getattr(config, field)
    text = f"{field} must be at least {need}{where} for all layers together, not {has}; {loads} loads would do"
    return ConfigError(text, field=field, value=has)
