"""The demo catalogue: real works in made-up editions, the same rows each time (`load_demo`)."""
