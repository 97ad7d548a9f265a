"""The Python layer: hash-pinned wheels for the Lambda platform."""
