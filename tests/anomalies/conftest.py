import tempfile

import pytest


@pytest.fixture(autouse=True)
def _a_place_of_its_own_for_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
