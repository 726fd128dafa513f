"""The endpoint that one writes first: FastAPI, a plain function, its pool of threads."""

import fastapi
import uvicorn
from pydantic import BaseModel

from serving.sampling import Choice, Sampler, write_npy


class Request(BaseModel):
    """What is asked for."""

    num_samples: int


def main() -> None:
    """Serve."""
    choice, options = Choice.parse(__doc__)
    sampler = Sampler(choice)
    app = fastapi.FastAPI()

    @app.post("/sample")
    def sample(request: Request) -> fastapi.Response:
        return fastapi.Response(write_npy(sampler.sample(request.num_samples)), media_type="application/x-npy")

    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
