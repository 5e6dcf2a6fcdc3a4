"""A recorded run of a small matrix unit, cycle by cycle, from the samples of its walk."""

from typing import Any

from ...hw.systolic.config import SystolicConfig
from ..jobs import Job
from .walk import walk

__all__ = ["explore"]


def explore(config: SystolicConfig, job: Job) -> dict[str, Any]:
    """Simulate a product, and say what each PE does; see `Engine.explore`, and `walk` for what is refused."""
    figures = walk(config, job)
    beats = figures["beats"]
    steps = []
    for step in figures["steps"]:
        leaving = step["leaving"]["sums"] if step["leaving"] else [""] * config.columns
        steps.append(
            {
                "left": [
                    "" if one is None else f"{one['activation']} (row {beats[one['beat']]['row']})"
                    for one in step["entering"]
                ],
                "top": [_weights(step, column) for column in range(config.columns)],
                "cells": [[_pe(pe, beats) for pe in row] for row in step["pes"]],
                "out": [str(one) for one in leaving],
            }
        )
    return {
        "rows": config.rows,
        "columns": config.columns,
        "labels": {"left": "activations", "top": "weights that wait", "out": "sums"},
        "outputs": [f"column {column}" for column in range(config.columns)],
        "steps": steps,
    }


def _weights(step: dict[str, Any], column: int) -> str:
    waiting = [row[column]["next"] for row in step["pes"]]
    return (
        ", ".join("-" if weight is None else str(weight) for weight in waiting)
        if any(weight is not None for weight in waiting)
        else ""
    )


def _pe(pe: dict[str, Any], beats: list[dict[str, int]]) -> dict[str, Any]:
    weight = "no weight" if pe["weight"] is None else f"weight {pe['weight']}"
    if pe["beat"] is None:
        return {"state": "drain", "queue": None, "lines": [weight], "pairs": []}
    lines = [f"{pe['activation']} x {pe['weight']} (row {beats[pe['beat']]['row']})", f"psum {pe['psum']}"]
    return {"state": "issued", "queue": None, "lines": lines, "pairs": [[pe["activation"], pe["weight"]]]}
