"""Everything that knows gRPC: servicers, what surrounds every call, the error-to-status table, health, server."""
