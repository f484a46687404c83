"""`python -m mixflows` is the command `mixflows`."""

from mixflows.cli import main

main()
