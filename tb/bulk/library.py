"""The C interface of a compiled simulation (`harness.cpp`)."""

import ctypes
from pathlib import Path

__all__ = ["DONE", "FAULT", "PROTOCOL", "RUNNING", "SURPLUS", "WATCHDOG", "Job", "Stream", "load", "random_state"]

RUNNING, DONE, WATCHDOG, FAULT, PROTOCOL, SURPLUS = range(6)


class Stream(ctypes.Structure):
    """One stream of a job: its ports, its beats, and its state between calls."""

    _fields_ = (
        ("payload", ctypes.c_int32),
        ("valid", ctypes.c_int32),
        ("ready", ctypes.c_int32),
        ("output", ctypes.c_int32),
        ("data", ctypes.c_void_p),
        ("beats", ctypes.c_uint64),
        ("done", ctypes.c_uint64),
        ("random", ctypes.c_uint64),
        ("stall", ctypes.c_uint32),
        ("offered", ctypes.c_uint32),
        ("held", ctypes.c_void_p),
        ("after_valid", ctypes.c_uint64),
    )


class Job(ctypes.Structure):
    """Progress of a job on streams."""

    _fields_ = (
        ("cycle", ctypes.c_uint64),
        ("last_transfer", ctypes.c_uint64),
        ("last_output", ctypes.c_uint64),
        ("watchdog", ctypes.c_uint64),
        ("stream", ctypes.c_int32),
    )


def load(path: Path) -> ctypes.CDLL:
    """Load a library and declare its functions."""
    library = ctypes.CDLL(str(path))
    pointer, number, long = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64
    signatures = {
        "tl_create": ([], pointer),
        "tl_destroy": ([pointer], None),
        "tl_fault": ([], ctypes.c_char_p),
        "tl_reset": ([pointer, number], number),
        "tl_run": ([pointer, ctypes.POINTER(Job), ctypes.POINTER(Stream), number, long, number], number),
        "tl_hold": ([pointer, number, pointer], None),
        "tl_cycles": ([pointer, long, number, number, pointer, pointer, number, pointer, pointer], number),
        "tl_bench": ([pointer, long, long], number),
        "tl_peek": ([pointer, number, pointer], None),
        "tl_trace": ([pointer, ctypes.c_char_p, long, long], number),
    }
    for name, (arguments, result) in signatures.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
    return library


def random_state(seed: int, index: int) -> int:
    """State of a random generator that differs well between seeds and streams, never zero (splitmix64)."""
    mask = (1 << 64) - 1
    value = (seed * 0x9E3779B97F4A7C15 + (index + 1) * 0xD1B54A32D192ED03) & mask
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & mask
    return (value ^ value >> 31) or 1
