"""`bench publish`: a site onto a branch of a git repository, or into a zip file."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("site", type=click.Path(path_type=Path, file_okay=False), default=Path("site"))
@click.option("--remote", default="origin", show_default=True, help="A remote of the repository that you stand in.")
@click.option("--branch", default="gh-pages", show_default=True, help="It holds the site and nothing else.")
@click.option("--message", default="Publish the site", show_default=True, help="Of the commit.")
@click.option("--push/--no-push", default=True, show_default=True, help="Without it the commit stays here.")
@click.option("--zip", "archive", type=click.Path(path_type=Path, dir_okay=False), help="A zip file instead.")
def publish(site, remote, branch, message, push, archive) -> None:
    """Publish SITE, a folder that bench report made.

    The branch becomes the site, with its past as history; your files and the branch that you are on stay as they are.
    Only the files of the site are published, whatever else lies in the folder.
    """
    from bench.site import publish

    if archive:
        publish.to_zip(site, archive)
        click.echo(f"zip: {archive.resolve()}")
        return
    publish.to_branch(site, remote, branch, message, push)
    click.echo(f"published: branch {branch}" + (f" of {remote}" if push else ", not pushed"))
