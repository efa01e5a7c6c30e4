"""`python -m revlog`, where the console script is not on the path."""

from revlog.commands.app import main

if __name__ == "__main__":
    main()
