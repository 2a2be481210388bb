"""Fault injection: no accepted generation is lost while parts of the platform fail."""
