"""sinonom: from a picture of a Hán-Nôm character to the scanned woodblocks that show it."""

__version__ = "0.1.0"
