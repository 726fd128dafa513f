"""Whole numbers in given proportions."""

from collections.abc import Sequence


def apportion(total: int, shares: Sequence[float]) -> list[int]:
    """Divide a total by the method of largest remainders; equal remainders go to the first.

    Args:
        total: What is divided, at least 0.
        shares: At least 0 each, in any unit; one of them above 0.

    Returns:
        Whole numbers, one per share, that add up to ``total``.
    """
    whole = sum(shares)
    exact = [total * share / whole for share in shares]
    counts = [int(one) for one in exact]
    by_remainder = sorted(range(len(exact)), key=lambda number: counts[number] - exact[number])
    for number in by_remainder[: total - sum(counts)]:
        counts[number] += 1
    return counts
