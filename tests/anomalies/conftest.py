import tempfile

import pytest


@pytest.fixture(autouse=True)
def _a_place_of_its_own_for_temporary_files(monkeypatch):
    """Not below `tmp_path`, which is long: the path of a socket must be short."""
    with tempfile.TemporaryDirectory(prefix="lp-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield folder
