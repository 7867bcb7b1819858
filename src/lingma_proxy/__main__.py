"""`python -m lingma_proxy`, and the command `lingma-proxy`."""

from lingma_proxy.cli.main import commands


def main() -> None:
    commands(prog_name="lingma-proxy")


if __name__ == "__main__":
    main()
