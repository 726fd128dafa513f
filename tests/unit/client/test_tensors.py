import numpy as np
import pytest
from safetensors.numpy import load

from app.client.errors import BrokenAnswerError
from app.client.tensors import BatchReader, read_head, read_images


def test_an_answer_is_read_as_its_own_library_reads_it(tensors):
    data = tensors(5, [0, 1, 2, 0], 9)
    expected = load(data)

    head, begin = read_head(data)

    np.testing.assert_array_equal(expected["images"], read_images(data, head, begin))
    np.testing.assert_array_equal(expected["labels"], head.labels)
    np.testing.assert_array_equal(expected["indices"], head.indices)
    assert ("tiny", 9) == (head.mark["model"], head.mark["seed"])


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
@pytest.mark.parametrize("batch_size", [1, 3, 50])
def test_batches_are_cut_from_pieces_of_any_size(tensors, images_of, size, batch_size):
    data = tensors(0, [0] * 10, 1)
    reader = BatchReader(batch_size)

    batches = [batch for at in range(0, len(data), size) for batch in reader.feed(data[at : at + size])]

    np.testing.assert_array_equal(images_of(range(10)), np.concatenate(batches))
    assert {batch_size} >= {len(batch) for batch in batches[:-1]}
    assert 10 == reader.num_read


def test_an_answer_that_is_cut_off_is_refused(tensors):
    data = tensors(0, [0] * 3, 1)[:-1]
    head, begin = read_head(data)

    with pytest.raises(BrokenAnswerError, match="middle of an image"):
        read_images(data, head, begin)


def test_bytes_beyond_the_last_sample_are_refused(tensors):
    reader = BatchReader(2)

    with pytest.raises(BrokenAnswerError, match="more bytes"):
        reader.feed(tensors(0, [0] * 3, 1) + b"x")


def test_another_file_is_refused():
    with pytest.raises(BrokenAnswerError, match="not a file of safetensors"):
        read_head(b"<html><body>proxy</body></html>")
