"""Run `sinonom` as `python -m sinonom_cli`, for systems where scripts are not on the PATH."""

from sinonom_cli.cli import main

if __name__ == "__main__":
    main()
