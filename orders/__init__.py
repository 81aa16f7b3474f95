"""Orders: placed once, never of more than there is, and their life."""
