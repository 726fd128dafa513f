"""Recipes as text: short, safe in a path, told from damaged or foreign text, and of one spelling.

A token is no secret and grants nothing: it says what to compute, and who asks for it needs a key as for any samples.
"""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Mapping

import msgspec

from app.api.datasets.recipe import AugmentedRecipe, Recipe
from app.core.errors import LimitExceededError, NotFoundError

MAX_TOKEN_CHARACTERS = 4096

# Of the encoding and of the assignment to shards: a change of either is another prefix.
_KINDS: Mapping[str, type[Recipe]] = {"d1": Recipe, "d2": AugmentedRecipe}
_PREFIXES = {kind: prefix for prefix, kind in _KINDS.items()}
_PREFIX_CHARACTERS = 2
_CHECKSUM_BYTES = 8
_MAX_PAYLOAD_BYTES = 2**18
_TOKEN = re.compile(rf"(?:{'|'.join(_KINDS)})[A-Za-z0-9_-]{{16,{MAX_TOKEN_CHARACTERS - _PREFIX_CHARACTERS}}}", re.ASCII)


def encode_token(recipe: Recipe) -> str:
    """Write a recipe as a token.

    Raises:
        LimitExceededError: If the token would be too long for an address.
    """
    payload = msgspec.msgpack.encode(recipe)
    packed = _checksum(payload) + zlib.compress(payload, 9)
    token = _PREFIXES[type(recipe)] + base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")
    if len(token) > MAX_TOKEN_CHARACTERS or len(payload) > _MAX_PAYLOAD_BYTES:
        raise LimitExceededError(
            f"the recipe is too long for an address of {MAX_TOKEN_CHARACTERS} characters; "
            "make several datasets of fewer blocks or classes, or of shorter policies",
            limit=MAX_TOKEN_CHARACTERS,
        )
    return token


def is_token(text: str) -> bool:
    """Tell whether a text is written as tokens are; it may still be damaged."""
    return _TOKEN.fullmatch(text) is not None


def decode_token(token: str) -> Recipe:
    """Read a token; anything that ``encode_token`` has not written is refused, at bounded cost.

    Raises:
        NotFoundError: If this is no token of this service.
    """
    try:
        return _decode(token)
    except (ValueError, zlib.error, msgspec.DecodeError):
        raise NotFoundError(
            "there is no such dataset: the token is damaged, incomplete, or of another kind of service"
        ) from None


def _decode(token: str) -> Recipe:
    if not is_token(token):
        raise ValueError("not written as tokens are")
    prefix, text = token[:_PREFIX_CHARACTERS], token[_PREFIX_CHARACTERS:]
    packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii") != text:
        raise binascii.Error("bits behind the last byte")
    payload = _inflate(packed[_CHECKSUM_BYTES:])
    if packed[:_CHECKSUM_BYTES] != _checksum(payload):
        raise ValueError("damaged")
    recipe = msgspec.msgpack.decode(payload, type=_KINDS[prefix])
    recipe.check()
    if msgspec.msgpack.encode(recipe) != payload:
        raise ValueError("a second spelling")
    return recipe


def _inflate(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    payload = stream.decompress(data, _MAX_PAYLOAD_BYTES)
    if not stream.eof or stream.unused_data:
        raise ValueError("too large, torn, or followed by something")
    return payload


def _checksum(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest()[:_CHECKSUM_BYTES]
