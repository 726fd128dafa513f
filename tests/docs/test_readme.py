import re

from tests.docs.pages import ROOT, read


def test_every_picture_of_the_readme_is_there():
    pictures = re.findall(r'<img src="([^"]+)"', read("README.md"))

    assert [] == [picture for picture in pictures if not (ROOT / picture).is_file()]
    assert pictures != []
