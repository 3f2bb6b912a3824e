"""`python -m edge` is `edge-run`."""

from edge.cli import main

if __name__ == "__main__":
    main()
