"""Benchmarks: ShelfWise beside the design it was first sketched in, and beside itself.

`python -m tests.performance` measures; the bars it holds are in `figures`.
"""
