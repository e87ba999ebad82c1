"""What ships with the package: the default model, the index of characters, tables, sample pictures."""

from pathlib import Path

ASSETS = Path(__file__).parent
GLYPHS = ASSETS / "glyphs"
"""Image sets of 100 characters, a folder for each typeface."""
