"""Orders. The app holds its place in the house; it has no tables and no routes yet."""
