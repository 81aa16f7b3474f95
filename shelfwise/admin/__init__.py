"""The admin's own ground: who may what in which tenant, and how its pages stay small and quick."""
