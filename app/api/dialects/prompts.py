"""The text that stands for a class where a dialect has prompts."""

from collections.abc import Sequence

from app.api.planning import find_class

ANY = "any"
CLASS = "class:"
MAX_PROMPT = 32_000
"""As OpenAI has it; longer than any class name, so that the answer lists those that there are."""


def read_prompt(prompt: str | None, class_names: Sequence[str], pointer: str) -> int | None:
    """Find the class that a prompt stands for.

    Args:
        prompt: The name or number of a class, perhaps behind ``class:``; empty or ``any`` for no class in particular.
        class_names: Classes of the model.
        pointer: Where the prompt is in the request.

    Returns:
        The class, or None: then each sample draws its own.

    Raises:
        UnknownLabelError: If it is none of these.
    """
    text = (prompt or "").strip()
    if not text or (text.lower() == ANY and text not in class_names):
        return None
    if text in class_names:
        return find_class(text, class_names, pointer)
    return find_class(text.removeprefix(CLASS).strip(), class_names, pointer)
