"""`image-grpc standin`: the stand-in for GetImg.AI as a program of its own."""

import click


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def standin(arguments: tuple[str, ...]) -> None:
    """Run a stand-in for the GetImg.AI API, like the command `getimg-standin`."""
    try:
        from getimg_standin.cli import main
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"the stand-in is not installed: pip install 'image-grpc[standin]' ({error})"
        ) from error
    main.main(list(arguments), prog_name="image-grpc standin")
