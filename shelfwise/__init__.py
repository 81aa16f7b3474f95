"""ShelfWise: a book catalogue and ordering service for many tenants at once."""
