"""PyTriton: Triton batches rows, one per sample; the answer is a binary tensor."""

import os
import sysconfig
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from serving.sampling import Choice, Sampler

MAX_BATCH_ROWS = 4096


def main() -> None:
    """Serve."""
    choice, options = Choice.parse(__doc__)
    sampler = Sampler(choice)
    library = str(sysconfig.get_config_var("LIBDIR"))
    os.environ["LD_LIBRARY_PATH"] = library  # noqa: TID251 - its worker embeds a Python, which must be this one

    @batch
    def infer(rows: NDArray[np.uint8]) -> dict[str, Any]:
        return {"pixels": sampler.sample(len(rows))}

    config = TritonConfig(
        http_address="127.0.0.1", http_port=options.port, allow_grpc=False, allow_metrics=False, log_verbose=0
    )
    with Triton(config=config) as server:
        server.bind(
            model_name="sampler",
            infer_func=infer,
            inputs=[Tensor(name="rows", dtype=np.uint8, shape=(1,))],
            outputs=[Tensor(name="pixels", dtype=np.uint8, shape=sampler.sample_shape)],
            config=ModelConfig(max_batch_size=MAX_BATCH_ROWS, batcher=DynamicBatcher(max_queue_delay_microseconds=0)),
            strict=False,
        )
        server.serve()


if __name__ == "__main__":
    main()
