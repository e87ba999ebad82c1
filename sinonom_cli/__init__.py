"""sinonom: from a picture of a Hán-Nôm character to the scanned woodblocks that show it."""

from sinonom_cli.numba_cache import find_a_place

__version__ = "0.1.0"

find_a_place()
