"""Entry point of a decoder; the service starts it, it is of no use alone."""

import argparse
import sys

from app.core.children import follow_parent


def main() -> int:
    """Decode until the service is gone; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m app.decoding", description="Started by the service, not by people."
    )
    parser.add_argument("--control-fd", type=int, required=True)
    parser.add_argument("--max-pixels", type=int, required=True)
    parser.add_argument("--memory-bytes", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    arguments = parser.parse_args()
    follow_parent()
    from app.decoding.process import serve  # noqa: PLC0415 - codecs take a moment: the guard above must stand before

    return serve(
        arguments.control_fd,
        max_pixels=arguments.max_pixels,
        memory_bytes=arguments.memory_bytes,
        seconds=arguments.seconds,
    )


if __name__ == "__main__":
    sys.exit(main())
