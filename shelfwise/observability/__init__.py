"""What operators see: logs, request ids, query counts, health."""
