"""Compiled parts: unified buffer, feeder and activation unit."""

from ...bus.parts import fill
from ...compiled import part
from .state import ACTIVATION, COMMANDS, MATRIX, PLACES, ROWS, SETS

__all__ = ["activate", "can_fetch", "can_store", "choose", "feed", "keep"]

WINDOW_LATENCY = 3
"""Cycles from a window's request to its row."""

ROWS_AHEAD = WINDOW_LATENCY + 3
"""Rows that are requested and not taken."""

REQUANTIZE_LATENCY = 4
"""Cycles from sums to their bytes."""

MODULO = 1 << 24
"""Addresses, places and lines of windows are counted modulo this."""

LAST_PUT = 1 << REQUANTIZE_LATENCY - 1


@part
def can_store(m, row):
    """Whether a row is stored: what was put in the cycle before doesn't go to its bank."""
    c, banks = m.core[0], m.sizes[0].banks
    if c.put == 0:
        return True
    beyond = c.put_beyond == 1 and c.put_row + 1 - row & banks - 1 == 0
    return not beyond and c.put_row - row & banks - 1 != 0


@part
def can_fetch(m, row):
    """Whether a row is fetched: the window reads nothing in its bank."""
    c = m.core[0]
    half = row & 1
    return c.reads[half] == 0 or c.chosen[half] - row & m.sizes[0].banks - 1 != 0


@part
def choose(m):
    """Which row of each half the window needs, if there is one, and whether that must be read."""
    c, s = m.core[0], m.sizes[0]
    c.reads[0] = c.reads[1] = 0
    if c.window < 0 or c.window_first >= c.window_end:
        return
    row, at, granules = c.window >> s.row_bits, c.window & (1 << s.row_bits) - 1, 1 << s.row_bits
    for number in range(2):
        if at + c.window_end > granules if number else at + c.window_first < granules:
            chosen = row + number & (MODULO >> s.row_bits) - 1
            half = chosen & 1
            c.chosen[half] = chosen
            c.reads[half] = c.has[half] == 0 or c.kept[half] != chosen


@part
def keep(m, stored, put, used):
    """The clock edge of the unified buffer: a row is `stored` (-1: none), granules are put (-1: at no address)."""
    c, s = m.core[0], m.sizes[0]
    for half in range(2):
        if c.reads[half]:
            c.kept[half], c.has[half] = c.chosen[half], 1
        was_put = c.put == 1 and (c.put_row == c.kept[half] or (c.put_beyond == 1 and c.put_row + 1 == c.kept[half]))
        if was_put or stored == c.kept[half]:
            c.has[half] = 0
    c.put = put >= 0
    if put >= 0:
        c.put_row = put >> s.row_bits
        c.put_beyond = (put & (1 << s.row_bits) - 1) + used > 1 << s.row_bits


@part
def _signed(number):
    """A number modulo `MODULO`, as a signed one."""
    return (number + MODULO // 2 & MODULO - 1) - MODULO // 2


@part
def _ask(m, entry, number, kernel_row):
    """Ask for the row of a position: where it lies, and which of its granules are input."""
    c, s = m.core[0], m.sizes[0]
    if entry.convolve == 0:
        c.window = entry.ub + kernel_row * entry.step + number * entry.pitch
        c.window_first, c.window_end = 0, entry.pitch
        return
    column, place = number % entry.columns, number // entry.columns
    line, image = place % entry.lines, place // entry.lines
    address = entry.first + image * entry.image_step + line * entry.line_step + column * entry.column_step
    c.window = address + kernel_row * entry.kernel_step & MODULO - 1
    x = _signed(entry.x + column * entry.column_step)
    y = _signed(entry.y + line * entry.stride + kernel_row * entry.dilation)
    c.window_first, c.window_end = max(0, -x), min(entry.pitch, entry.line - x)
    row = c.window >> s.row_bits
    behind = (row + 1 << s.row_bits) - c.window  # granules up to the next row
    following = row + 1 & (MODULO >> s.row_bits) - 1
    if row < entry.window_first or row > entry.window_last:
        c.window_first = max(c.window_first, behind)
    if following < entry.window_first or following > entry.window_last:
        c.window_end = min(c.window_end, behind)
    if y < 0 or y >= entry.height:
        c.window_end = 0


@part
def feed(m, row_leaves, command_leaves):
    """Feeder, whose row and command the matrix unit takes or not."""
    c, b = m.core[0], m.board[0]
    entry = m.matmuls[c.matmul]
    room = c.rows_ahead != ROWS_AHEAD
    moves = c.feeds == 1 and room and (c.first_row == 0 or m.fifos[COMMANDS].level != ROWS_AHEAD - 1)
    last_command = c.repeat == 1
    pushes = moves and c.first_row == 1
    done = moves and c.rows_left == 1 and last_command
    c.window = -1
    if moves:
        _ask(m, entry, entry.rows - c.rows_left, entry.repeat - c.repeat)
    if pushes:
        command = m.commands[c.command_put & PLACES - 1]
        command.rows, command.address = entry.rows, entry.acc
        command.accumulate = entry.accumulate == 1 or c.first_command == 0
        command.drain = entry.drain == 1 and last_command
        command.swap = entry.swap == 2 or (entry.swap == 1 and c.first_command == 1)
        c.command_put += 1
    fill(m.fifos[COMMANDS], pushes, command_leaves)
    c.command_get += command_leaves
    fill(m.fifos[ROWS], c.row_way >> WINDOW_LATENCY - 1, row_leaves)
    c.row_way = c.row_way << 1 & (1 << WINDOW_LATENCY) - 1 | moves
    c.rows_ahead += moves - row_leaves
    if moves:
        c.rows_left -= 1
        c.first_row = 0
        if c.rows_left == 0:
            c.rows_left = entry.rows
            c.repeat -= 1
            c.first_row, c.first_command = 1, 0
    b.done[MATRIX] = done
    if c.feeds == 0 or done:
        c.feeds = b.offered[MATRIX]
        b.issue[MATRIX] = c.feeds
        if c.feeds:
            c.matmul = b.issued[MATRIX]
            following = m.matmuls[c.matmul]
            c.rows_left, c.repeat = following.rows, following.repeat
            c.first_row = c.first_command = 1


@part
def activate(m, offered):
    """Activation unit, to which a row of sums is `offered` or not.

    Returns whether it is ready for one, whether it takes a beat of a parameter set, and address (-1: none) and granules
    of what it puts into the unified buffer.
    """
    c, b, s = m.core[0], m.board[0], m.sizes[0]
    current = m.activates[c.current]
    number = b.issued[ACTIVATION]
    shown, following = number < b.pushed[ACTIVATION], m.activates[number]
    last_plane = c.plane == current.planes - 1
    puts = c.flying & LAST_PUT != 0
    takes = c.rows != 0 and offered
    ready = c.rows != 0 and last_plane
    quiet = c.rows == 0 and c.flying & LAST_PUT - 1 == 0
    starts = b.offered[ACTIVATION] == 1 and quiet and (c.loaded == 1 or following.next == 0)
    loads = shown and following.next == 1 and c.loaded == 0 and c.rows == 0 and m.fifos[SETS].valid == 1
    b.done[ACTIVATION], b.issue[ACTIVATION] = puts and quiet, starts
    c.result_rows += puts
    put_address, used = c.put_address, current.used
    c.flying = c.flying << 1 & 2 * LAST_PUT - 1
    if takes:
        c.flying |= LAST_PUT if current.raw else 1
        c.plane += 1
        if last_plane:
            c.plane = 0
            c.rows -= 1
    if puts:
        c.put_address += current.plane_step
        if c.plane_ends:
            c.row_address += current.pitch
            c.put_address = c.row_address
    c.plane_ends = last_plane
    if loads:
        c.set_beat += 1
        if c.set_beat == s.set_beats:
            c.set_beat, c.loaded = 0, 1
    if starts:
        c.current, c.loaded = number, 0
        c.rows = following.rows
        c.row_address = c.put_address = following.ub
    return ready, loads, put_address if puts else -1, used
