"""`python -m cauce` is the command line."""

from cauce.cli import main

main()
