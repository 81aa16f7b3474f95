"""Finding books by what somebody types (docs/search.md).

`searching` puts the branches in order, `finding` is the SQL that finds and ranks, `mending` finds
what misspelt words may have meant, `wording` takes a text apart. `suggesting` answers while a
person is typing.
"""
