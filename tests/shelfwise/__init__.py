"""Of what every app stands on: the environment, tenants, tokens, the wire, what operators see."""
