"""The catalogue in the admin.

Not registered: search documents and words, which triggers keep; and what puts a book in a category,
which a book's own page writes.
"""

from catalog.admin import books, records, stock

__all__ = ["books", "records", "stock"]
