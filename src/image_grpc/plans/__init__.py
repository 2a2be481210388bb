"""Floor plans: generated, checked, drawn and imported. Nothing here is stored.

Functions that take time say so: call them in a worker thread.
"""
