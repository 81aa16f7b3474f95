"""Tenants, their people, and the scope that keeps their rows apart."""
