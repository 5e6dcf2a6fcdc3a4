"""A second interpreter of legal programs, value by value in plain Python, to compare the first with."""

import struct

import numpy as np

from tensorloom.hw.tpu.isa import decode
from tensorloom.sim.tpu.assembler import words_of


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def requantized(total, factor, zero, lo, hi):
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.float32(np.float32(total) * np.float32(factor))
    return lo if scaled < -1e9 else hi if scaled > 1e9 else min(max(round(float(scaled)) + zero, lo), hi)


def interpret(config, program, host, weights):
    """Return the windows, the unified buffer as granules by address (those that were written), and the tags."""
    bus, size = config.bus_bytes, config.matrix.rows
    windows, memory = [bytearray(window.tobytes()) for window in host], weights.tobytes()
    buffer, accumulators, tags = {}, {}, []
    tiles, sets, tile, current, step, drained = [], [], [], [], 0, 0
    for word in words_of(program):
        instruction, v, _ = decode(word)
        assert instruction
        match instruction.name:
            case "set":
                step = v["value"]
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
            case "matmul":
                for k in range(v["repeat"]):
                    if v["swap"] == 2 or (v["swap"] == 1 and not k):
                        rows = tiles.pop(0)
                        tile = [[signed(w, 8) if v["w_signed"] else w for w in row] for row in rows]
                    for i in range(v["rows"]):
                        at = v["ub"] + k * v["step"] + i * v["pitch"]
                        row = b"".join(buffer[at + j] for j in range(v["pitch"]))
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
                            at = v["ub"] + plane * step + i * v["pitch"] + j
                            buffer[at] = row[4 * j : 4 * j + 4]
    return windows, buffer, tags
