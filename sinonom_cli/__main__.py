"""`python -m sinonom_cli`: the same as `sinonom`, for places where scripts are not on the PATH."""

from sinonom_cli.cli import main

if __name__ == "__main__":
    main()
