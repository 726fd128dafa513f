import re
import zlib

import msgspec
import pytest

from app.api.datasets import token as token_module
from app.api.datasets.recipe import Block, Recipe, Split
from app.api.datasets.token import MAX_TOKEN_CHARACTERS, decode_token, encode_token
from app.core.errors import LimitExceededError, NotFoundError
from app.schemas.samples import SampleFormat

BLOCK = Block("mnist-gan", 3, bytes(range(32)), 2**63 - 1, 7, 0.8, 100, (50, 0, 50))
RECIPE = Recipe((BLOCK,), (Split("train", 90), Split("test", 10)), 40, SampleFormat.PARQUET)


def test_a_token_is_read_as_it_was_written():
    token = encode_token(RECIPE)

    assert RECIPE == decode_token(token)
    assert re.fullmatch(r"d1[A-Za-z0-9_-]+", token)
    assert len(token) < 200


def test_a_token_written_by_another_compressor_is_the_same_dataset(monkeypatch):
    usual = encode_token(RECIPE)
    monkeypatch.setattr(token_module.zlib, "compress", lambda data, level, real=zlib.compress: real(data, 0))
    other = encode_token(RECIPE)

    assert usual != other
    assert decode_token(usual) == decode_token(other)


def test_a_thousand_classes_of_one_size_fit_into_an_address():
    block = msgspec.structs.replace(BLOCK, num_samples=500_000, class_counts=(500,) * 1000)
    recipe = Recipe((block,), (Split("train", 500_000),), 1000, SampleFormat.TAR)

    assert len(encode_token(recipe)) < 300


def test_a_recipe_that_is_too_long_is_refused_with_the_limit():
    counts = tuple(997 * number % 9973 + 1 for number in range(5000))
    block = msgspec.structs.replace(BLOCK, num_samples=sum(counts), class_counts=counts)

    with pytest.raises(LimitExceededError) as caught:
        encode_token(Recipe((block,), (Split("train", sum(counts)),), 1000, SampleFormat.TAR))

    assert MAX_TOKEN_CHARACTERS == caught.value.fields["limit"]


def test_bits_behind_the_last_byte_are_no_second_spelling():
    token = encode_token(RECIPE)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [token[:-1] + one for one in alphabet if one != token[-1]]

    for other in others:
        with pytest.raises(NotFoundError):
            decode_token(other)


def test_the_order_of_samples_hangs_on_all_but_the_format():
    changed = [{"shard_size": 41}, {"splits": (Split("train", 100),)}, {"blocks": (BLOCK, BLOCK)}]

    assert RECIPE.key == msgspec.structs.replace(RECIPE, format=SampleFormat.TAR).key
    assert 4 == len({RECIPE.key, *(msgspec.structs.replace(RECIPE, **one).key for one in changed)})
