"""Dagster: what is built from what, when, and what operators see of it.

It wires: what computes stands in the rooms above.
"""
