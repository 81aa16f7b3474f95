"""Other designs of the same list, measured beside ShelfWise with packages of their own."""
