"""Errors as one sentence under `error`: so do the Open Inference Protocol and Hugging Face Inference."""

from collections.abc import Mapping
from typing import Any

from app.api.dialects.problem import Refusal, describe_problem, find_pointer


def write_sentence(problem: Mapping[str, Any]) -> Refusal:
    """Write a problem as one sentence under ``error``."""
    text, pointer = describe_problem(problem), find_pointer(problem)
    names_place = not pointer or f"`{pointer}`" in text
    return Refusal({"error": text if names_place else f"`{pointer}`: {text}"})
