"""`python -m imagewise`: the command line."""

from imagewise.cli import main

if __name__ == "__main__":
    main()
