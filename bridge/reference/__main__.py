"""`python -m bridge.reference [DOCS]` writes the reference below DOCS, `docs` unless told otherwise, and names what it changed."""

from __future__ import annotations

import sys
from pathlib import Path

from bridge.reference.output import write

if __name__ == "__main__":
    docs = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for path in write(docs):
        sys.stdout.write(f"{docs / path}\n")
