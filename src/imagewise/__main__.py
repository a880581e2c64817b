"""`python -m imagewise`: the command line."""

from imagewise.cli.app import main

if __name__ == "__main__":
    main()
