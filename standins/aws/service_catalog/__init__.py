"""Service Catalog: what administrators publish, and what users launch from it."""
