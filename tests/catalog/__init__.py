"""Of the catalogue: its API, its lists' SQL and plans, what the database refuses, its values."""
