"""Mutation: many small faults planted in a design, to see which of them its checks notice."""
