"""Telling tenants' systems what happens: endpoints, their secrets, deliveries until they arrive."""
