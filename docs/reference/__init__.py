"""The reference: pages about what the code defines, each written from the code (`make reference`)."""
