"""`python -m mlops_ext` is the command `mlops`."""

from mlops_ext.cli.main import main

if __name__ == "__main__":
    main()
