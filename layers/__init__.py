"""The content of the Lambda layers, and how it is built: no Docker, the same bytes every time."""
