"""`python -m edge.kiosk.worker FD`: the worker of a running service; nothing for a person."""

from edge.kiosk.worker.process import main

main()
