"""Run the `getimg-standin` command with `python -m getimg_standin`."""

from getimg_standin.cli import main

if __name__ == "__main__":
    main()
