"""`make reference`: writes the pages of the reference, the index of decisions, and settings.schema.json."""

from __future__ import annotations

import sys

from docs.reference.everything import pages
from docs.reference.synthesized import templates

for file, text in pages(*templates()).items():
    file.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{file.name} is written.\n")
