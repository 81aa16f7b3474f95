"""The catalogue: books, their authors, publishers and categories, and what is in stock."""
