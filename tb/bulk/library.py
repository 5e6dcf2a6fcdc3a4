"""The C interface of a compiled simulation (`harness.cpp`)."""

import ctypes
from pathlib import Path

__all__ = ["DONE", "FAULT", "PROTOCOL", "RUNNING", "SURPLUS", "WATCHDOG", "Job", "Stream", "load"]

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
    """Progress of a job."""

    _fields_ = (
        ("cycle", ctypes.c_uint64),
        ("last_transfer", ctypes.c_uint64),
        ("last_output", ctypes.c_uint64),
        ("last_wait", ctypes.c_uint64),
        ("watchdog", ctypes.c_uint64),
        ("stream", ctypes.c_int32),
    )

    def cycles(self, outputs: bool) -> int:
        """How long the job took; `outputs`: it ended with an output."""
        return self.last_output if outputs else self.last_wait or self.last_transfer


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
        "tl_attach": ([pointer, pointer, number, pointer, number], number),
        "tl_debts": ([pointer], ctypes.c_char_p),
        "tl_log": ([pointer, ctypes.POINTER(pointer)], long),
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
