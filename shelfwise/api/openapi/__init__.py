"""The OpenAPI document: what views say of themselves, and what is made of it and served."""
