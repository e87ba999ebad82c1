"""A small site, made once for all tests of the web application."""

from pathlib import Path

import pytest
from tinysite import Tiny, tiny_site


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return tiny_site(Path(tmp_path_factory.mktemp("trang web")))
