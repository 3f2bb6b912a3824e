"""`python -m edge.kiosk`: the same as `edge-kiosk`."""

from edge.kiosk.cli import main

if __name__ == "__main__":
    main()
