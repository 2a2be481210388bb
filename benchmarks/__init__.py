"""Measurements, each beside its floor: the bare library doing the same work in the same run."""
