import pytest

from tests.golden.documents import DOCUMENTS, ROOT


@pytest.mark.parametrize("name", DOCUMENTS)
def test_committed_file_is_what_the_code_renders(name):
    rendered = DOCUMENTS[name]()

    assert rendered == (ROOT / name).read_text(encoding="utf-8"), "run `make golden` and review the difference"
