"""What has to happen once in a process before its numbers can be compared."""

from contextlib import AbstractContextManager

import torch


def settle_numerics() -> None:
    """Let the vector math library choose its kernels while only one thread asks.

    It chooses at its first call. When several threads make that call at once, one of them may get a kernel of lower
    accuracy for it: 5 of 366 busy processes made half of their first batch up to 9e-5 off; 0 of 394 did after this.
    """
    torch.tanh(torch.zeros(1))


def full_precision() -> AbstractContextManager[None]:
    """Return a context without TensorFloat-32 in convolutions on a GPU, whose 10 bits are seen in 8-bit pixels."""
    context: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=torch.backends.cudnn.enabled,
        benchmark=torch.backends.cudnn.benchmark,
        deterministic=torch.backends.cudnn.deterministic,
        allow_tf32=False,
    )
    return context
