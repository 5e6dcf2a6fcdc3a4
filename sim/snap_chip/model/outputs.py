"""Compiled parts: the output buffer, what reads it, and residuals."""

import numpy as np

from ....hw.snap_chip.config import OA_SLOTS
from ...compiled import part
from .memory import fill
from .tiles import offer_run, parse
from .writing import pack

__all__ = ["LANDING", "add_residual", "give_slots", "scan_outputs", "take_scales", "take_sums", "take_words"]

LANDING = 5
"""Cycles from a sum to its byte in the output buffer."""

LANES = 6
"""Cycles of a lane that adds a residual."""

SCALES = 4
"""Reader of the scales."""


@part
def scan_outputs(m, beat_taken):
    """Output scan, residual stage and packer, of which a beat is taken or not."""
    c, layer = m.chip[0], m.layer[0]
    if layer.residual and layer.convolves:
        taken = add_residual(m, beat_taken)
    else:
        taken = pack(m, beat_taken, c.scan_valid == 1, c.scan_last)
    free = c.scan_valid == 0 or taken
    reads = c.scan_left != 0 and free and is_finished(m)
    c.scan_valid = reads or not free
    if reads:
        c.moves += 1
        lines = min(c.scan_left, layer.region_lines)
        c.scan_pixel += 1
        c.scan_last = c.scan_pixel == lines * layer.out_columns
        if c.scan_last:
            c.scan_pixel = 0
            c.tiles_read += 1
            c.scan_tile += 1
            if c.scan_tile == layer.out_tiles:
                c.scan_tile = 0
                c.scan_left -= lines


@part
def is_finished(m):
    """Whether all ports have finished the stored tile that is read next."""
    number = m.chip[0].tiles_read
    for p in range(len(m.ports)):
        if m.ports[p].tiles == number:
            return False
    return True


@part
def add_residual(m, beat_taken):
    """Residual stage and packer; whether a pixel of the scan is taken."""
    c, s = m.chip[0], m.sizes[0]
    packed = pack(m, beat_taken, c.full == 1, c.full_last)
    accepts = c.full == 0 or packed
    out = np.int64(1) << (LANES - 1)
    waits_out = c.lanes & out != 0
    moves = not waits_out or accepts
    goes = c.busy == 1 and moves
    last_step = c.step == s.residual_steps - 1
    free = c.busy == 0 or (goes and last_step)
    waits = c.scan_valid == 1
    has, _, run_last = offer_run(m, 1, m.residual_words)
    takes = waits and has and run_last and free
    ready = waits and (not run_last or free)
    c.residual_leaves = parse(m, 1, m.residual_words, ready, c.scan_last == 1)
    comes = waits_out and accepts
    ends = comes and c.lane_tags & out != 0
    if accepts:
        c.full = ends
    if comes:
        c.full_last = c.lane_lasts & out != 0
    c.under_way += (goes and last_step) - ends
    if moves:
        c.lanes = c.lanes << 1 & (2 * out - 1) | goes
        c.lane_tags = c.lane_tags << 1 & (2 * out - 1) | (goes and last_step)
        c.lane_lasts = c.lane_lasts << 1 & (2 * out - 1) | c.final
    if goes:
        c.step = 0 if last_step else c.step + 1
    if free:
        c.busy = takes
    if takes:
        c.final = c.scan_last
    return takes


@part
def give_slots(m):
    """Give a slot to the next stored tile."""
    c, layer = m.chip[0], m.layer[0]
    if c.slots_left == 0 or c.given - c.slot_free == OA_SLOTS:
        return
    lines = min(c.slots_left, layer.region_lines)
    c.last_entries[c.given % OA_SLOTS] = lines * (layer.column_groups + layer.diagonal) - 1
    c.lines[c.given % OA_SLOTS] = lines
    c.given += 1
    c.slots_tile += 1
    if c.slots_tile == layer.out_tiles:
        c.slots_tile = 0
        c.slots_left -= lines


@part
def take_scales(m):
    """Table of scales, and the FIFO before it."""
    c, s = m.chip[0], m.sizes[0]
    ready = loads = False
    if m.fifos[SCALES].valid:
        loads = True
        for p in range(len(m.ports)):
            if c.rounds - m.ports[p].round >= 2:
                loads = False
                break
        ready = loads and c.scale_word == s.scales - 1
    if loads:
        c.scale_word = 0 if ready else c.scale_word + 1
        c.scale_kernel += 1
        if c.scale_kernel == m.layer[0].kernels:
            c.scale_kernel = 0
            c.scale_core += 1
            if c.scale_core == s.cores:
                c.scale_core = 0
                c.rounds_loaded += 1
    return fill(m, SCALES, ready)


@part
def take_sums(m, core, machine):
    """Ports of a core: which of its sums they take is what the gates of its machine say."""
    c, s, layer = m.chip[0], m.sizes[0], m.layer[0]
    first_gate = len(machine.streams) + 1
    for row in range(s.rows):
        port = m.ports[core * s.rows + row]
        ready = port.tile != c.given and port.round != c.rounds
        own, carried = True, False
        if layer.diagonal:
            slot = port.tile % OA_SLOTS
            own = port.entry <= c.last_entries[slot] - c.lines[slot]
            carried = row < s.carries and port.entry >= c.lines[slot]
        if carried:
            ready = ready and m.carried[core * s.carries + row].valid == 1
        m.bits[machine.gates[first_gate + row].offset] = not (ready and own)
        ends = False
        goes = ready and (machine.ports[row].holds or not own)
        if machine.ports[row].holds and not (goes and own):
            port.waits += 1
        if row < s.carries:
            carry(m, core, machine, row, goes and carried)
        if goes:
            if own:
                port.last = c.cycle
            port.kernel += 1
            if port.kernel == layer.kernels:
                port.kernel = 0
                ends = next_entry(m, port, layer.kernels)
        if port.pending or ends:
            port.pending = port.pending << 1 | ends
            if port.pending >> (LANDING - 1) & 1:
                port.tiles += 1
            port.pending &= (1 << (LANDING - 1)) - 1


@part
def carry(m, core, machine, row, taken):
    """Sums that are kept for a port, of which one is taken or not."""
    s = m.sizes[0]
    carried = m.carried[core * s.carries + row]
    reads = carried.level > 0 and (carried.valid == 0 or taken)
    carried.valid = reads or (carried.valid == 1 and not taken)
    carried.level += machine.ports[s.rows + row].holds - reads


@part
def next_entry(m, port, kernels):
    """Go on to a port's next entry; whether its stored tile ends."""
    c = m.chip[0]
    if port.entry != c.last_entries[port.tile % OA_SLOTS]:
        port.entry += 1
        return False
    port.entry = 0
    port.round += 1
    port.first += kernels
    if port.first < m.sizes[0].core_kernels:
        return False
    port.first = 0
    port.tile += 1
    return True


@part
def take_words(m):
    """Ports take pooled pixels."""
    c, s = m.chip[0], m.sizes[0]
    for row in range(s.rows):
        goes = m.ports[row].tile != c.given
        m.rows[row].taken = goes
        if goes and m.rows[row].pooled:
            for core in range(s.cores):
                port = m.ports[core * s.rows + row]
                port.tiles += next_entry(m, port, s.core_kernels)
