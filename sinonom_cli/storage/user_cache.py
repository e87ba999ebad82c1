"""Name the folder of this system for files that programs can make again."""

from __future__ import annotations

from pathlib import Path

from sinonom_cli.errors import need


def user_cache(extra: str) -> Path:
    """Return the cache folder of `sinonom`; it may not exist yet.

    Parameters
    ----------
    extra : the optional extra that installs what this needs.

    Raises
    ------
    MissingExtra
        If platformdirs is not installed.
    """
    folder: Path = need("platformdirs", extra).user_cache_path("sinonom", appauthor=False)
    return folder
