"""The wire: parsing, rendering, paging and errors of every endpoint."""
