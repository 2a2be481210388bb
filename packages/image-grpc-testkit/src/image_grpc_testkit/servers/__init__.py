"""Throwaway servers on random loopback ports, started from installed binaries."""
