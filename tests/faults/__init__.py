"""What a client, a network or a neighbour can do wrong, done to the service as it really runs."""
