"""Quantized networks from ONNX files, as graphs of integers, and what they compute."""
