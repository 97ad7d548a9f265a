"""How a model package becomes the one that scores."""
