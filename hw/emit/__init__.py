"""Shared-module Verilog emission: every distinct (class, configuration) becomes one module.

Public names: `tensorloom.hw.emit.emitter.emit`, `tensorloom.hw.emit.shared.shared`.
"""
