"""The two steps of the pipeline. Each is idempotent: what an earlier delivery did is found in the record."""
