"""``python -m app`` is ``fount``."""

from app.cli import main

if __name__ == "__main__":
    main()
