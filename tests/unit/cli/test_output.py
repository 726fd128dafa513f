import pytest

from app.cli.output import open_whole


def test_a_file_is_there_as_a_whole(tmp_path):
    with open_whole(tmp_path / "deep" / "out.png") as file:
        file.write(b"whole")
        assert not (tmp_path / "deep" / "out.png").exists()

    assert b"whole" == (tmp_path / "deep" / "out.png").read_bytes()


def test_what_was_broken_off_leaves_the_file_that_was_there(tmp_path):
    (tmp_path / "out.png").write_bytes(b"before")

    with pytest.raises(TypeError), open_whole(tmp_path / "out.png") as file:
        file.writelines([b"half", None])

    assert [("out.png", b"before")] == [(path.name, path.read_bytes()) for path in tmp_path.iterdir()]
