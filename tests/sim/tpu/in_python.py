"""A second interpreter of legal programs, value by value in plain Python, to compare the first with."""

import struct
from fractions import Fraction
from typing import Any

import numpy as np

from tensorloom.hw.tpu.isa import REGISTERS, decode
from tensorloom.sim.tpu.assembler import words_of


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def requantized(total, factor, zero, lo, hi):
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.float32(np.float32(total) * np.float32(factor))
    return lo if scaled < -1e9 else hi if scaled > 1e9 else min(max(round(float(scaled)) + zero, lo), hi)


def float32(exact):
    """The nearest float32, half to even, as a fraction."""
    if not exact:
        return exact
    exponent = abs(exact.numerator).bit_length() - exact.denominator.bit_length()
    exponent -= abs(exact) < Fraction(2) ** exponent
    last = Fraction(2) ** (max(exponent, -126) - 23)
    return round(exact / last) * last


def granule(config, buffer, r, v, i, j, k, c):
    """Granule j of the window of position i under row k and column c of the kernel."""
    column, line, image = i % r["columns"], i // r["columns"] % r["lines"], i // r["columns"] // r["lines"]
    steps = column * r["column_step"] + c * r["tap_step"]
    address = v["ub"] + image * r["image_step"] + line * r["line_step"] + k * r["kernel_step"] + steps + j
    address %= 1 << 24
    xg, yy = signed(v["x"] + steps, 24) + j, signed(v["y"] + line * r["stride"] + k * r["dilation"], 24)
    inside = r["window_first"] <= address * 4 // config.row_bytes <= r["window_last"]
    if inside and 0 <= yy < r["height"] and 0 <= xg < r["line"]:
        return buffer[address]
    return bytes([r["pad"]]) * 4


def windows_of(config, buffer, r, v, k, c=0):
    """Rows of bytes of all positions."""
    rows, width = range(v["rows"]), range(v["width"])
    return [b"".join(granule(config, buffer, r, v, i, j, k, c) for j in width) for i in rows]


def pooled(values, r, v):
    """A byte of a result."""
    numbers = [signed(one, 8) if v["signed"] else one for one in values]
    if not v["average"]:
        return max(numbers) & 255
    low, high = (-128, 127) if v["signed"] else (0, 255)
    return min(max(round(float32(sum(numbers) * r["factor_a"] + r["addend"])), low), high) & 255


def combined(a, b, r, v):
    """A byte of two."""
    x, y = (signed(one, 8) if v["signed"] else one for one in (a, b))
    zero_a, zero_b = (signed(r[name], 8) if v["signed"] else r[name] for name in ("zero_a", "zero_b"))
    match v["operation"]:
        case 0:
            value = float32(r["factor_a"] * x + float32(r["factor_b"] * y + r["addend"]))
        case 1:
            value = float32((x - zero_a) * (y - zero_b) * r["factor_a"] + r["addend"])
        case _:
            value = Fraction(max(x, y))
    return min(max(round(value), v["lo"]), v["hi"]) & 255


def interpret(config, program, host, weights):
    """Return the windows, the unified buffer as granules by address (those that were written), and the tags."""
    bus, size = config.bus_bytes, config.matrix.rows
    windows, memory = [bytearray(window.tobytes()) for window in host], weights.tobytes()
    buffer, accumulators, tags = {}, {}, []
    tiles, sets, tile, current, drained = [], [], [], [], 0
    r: dict[str, Any] = dict.fromkeys(REGISTERS, 0)
    names = {register.index: name for name, register in REGISTERS.items()}
    for word in words_of(program):
        instruction, v, _ = decode(word)
        assert instruction
        match instruction.name:
            case "set":
                name, value = names[v["index"]], v["value"]
                if name in ("factor_a", "factor_b", "addend"):
                    value = Fraction(*struct.unpack("<f", value.to_bytes(4, "little")))
                r[name] = value
            case "interrupt":
                tags.append(v["tag"])
            case "read_host":
                for i in range(v["granules"]):
                    at = v["host"] * bus + 4 * i
                    buffer[v["ub"] + i] = bytes(windows[v["window"]][at : at + 4])
            case "write_host":
                for i in range(v["granules"]):
                    at = v["host"] * bus + 4 * i
                    windows[v["window"]][at : at + 4] = buffer[v["ub"] + i]
            case "read_weights":
                at = v["address"] * bus
                for _ in range(v["tiles"]):
                    rows = []
                    for _ in range(v["rows"]):
                        rows.append(memory[at : at + v["chunks"] * bus].ljust(size, b"\0"))
                        at += v["chunks"] * bus
                    tiles.append(rows + [bytes(size)] * (size - v["rows"]))
            case "read_parameters":
                at = v["address"] * bus
                for _ in range(v["count"]):
                    sets.append([struct.unpack_from("<if", memory, at + 8 * column) for column in range(size)])
                    at += 8 * size
            case "matmul" | "convolve":
                for k in range(v["repeat"]):
                    if v["swap"] == 2 or (v["swap"] == 1 and not k):
                        rows = tiles.pop(0)
                        tile = [[signed(w, 8) if v["w_signed"] else w for w in row] for row in rows]
                    if instruction.name == "convolve":
                        windows_k = windows_of(config, buffer, r, v, k)
                    else:
                        at = v["ub"] + k * v["step"]
                        pitch = range(v["pitch"])
                        windows_k = [b"".join(buffer[at + i * v["pitch"] + j] for j in pitch) for i in range(v["rows"])]
                    for i, row in enumerate(windows_k):
                        values = [signed(x, 8) if v["a_signed"] else x for x in row]
                        kept = accumulators[v["acc"] + i] if v["accumulate"] or k else [0] * size
                        accumulators[v["acc"] + i] = [
                            signed(
                                kept[n] + (sum(x * w[n] for x, w in zip(values, tile, strict=False)) << 8 * v["shift"]),
                                32,
                            )
                            for n in range(size)
                        ]
                drained = v["acc"]
            case "activate":
                if v["next"]:
                    current = sets.pop(0)
                for i in range(v["rows"]):
                    sums = accumulators[drained + i]
                    for plane in range(1 << v["planes"]):
                        if v["kind"] == 2:
                            kept = [0 if v["relu"] and one < 0 else one for one in sums]
                            row = bytes(one >> 8 * plane & 255 for one in kept)
                        else:
                            totals = [signed(one + bias, 32) for one, (bias, _) in zip(sums, current, strict=True)]
                            row = bytes(
                                requantized(total, factor, v["zero"], v["lo"], v["hi"]) & 255
                                for total, (_, factor) in zip(totals, current, strict=True)
                            )
                        for j in range(v["used"]):
                            at = v["ub"] + plane * r["plane_step"] + i * v["pitch"] + j
                            buffer[at] = row[4 * j : 4 * j + 4]
            case "pool":
                kernel = [(k, c) for k in range(v["kernel_rows"]) for c in range(v["kernel_columns"])]
                taps = [windows_of(config, buffer, r, v, k, c) for k, c in kernel]
                for i in range(v["rows"]):
                    row = bytes(pooled(values, r, v) for values in zip(*(tap[i] for tap in taps), strict=True))
                    for j in range(v["width"]):
                        buffer[v["dst"] + i * r["pool_pitch"] + j] = row[4 * j : 4 * j + 4]
            case "vector":
                table = b"".join(buffer[v["b"] + j] for j in range(64)) if v["operation"] == 3 else b""
                for j in range(v["rows"] * config.row_granules):
                    a, b = buffer.get(v["a"] + j), buffer.get(v["b"] + j)
                    if a is not None and table:
                        buffer[v["dst"] + j] = bytes(table[one] for one in a)
                    elif a is not None and b is not None:
                        buffer[v["dst"] + j] = bytes(combined(x, y, r, v) for x, y in zip(a, b, strict=True))
                    else:
                        buffer.pop(v["dst"] + j, None)
    return windows, buffer, tags
