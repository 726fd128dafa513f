import pytest

from app.cli.diagnosis.finding import Case
from app.core.settings import Settings


@pytest.fixture
def make_case(tmp_path):
    """Makes what checks are told; sections of settings override, and the repository is empty."""

    def make(url=None, **sections):
        sections = {"repository": {"url": str(tmp_path / "models")}} | sections
        return Case(Settings(**sections), url)

    return make
