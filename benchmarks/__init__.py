"""Benchmarks, each beside a floor: the bare libraries doing the same work in the same run."""
