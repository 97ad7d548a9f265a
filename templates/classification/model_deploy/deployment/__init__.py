"""How a model package becomes an endpoint."""
