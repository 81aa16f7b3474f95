"""Catalogue files, taken in: whole or row by row, by the rules that hold everywhere.

The way of a file: bytes are read as text (`text`), the text as records (`records`), the header
names fields (`columns`), each cell becomes a value or a fault (`values`, `rows`), and COPY puts the
rows beside the catalogue (`staging`), where SQL judges them against it (`judging`) and applies
them (`applying`). `loading.load_file` holds it together.
"""
