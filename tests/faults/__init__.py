"""The platform under faults: what it has promised, it keeps."""
