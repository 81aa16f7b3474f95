"""What the isolation matrix is made of: shops, places, rows, and how answers are compared."""
