"""`bench publish`: a site to a branch of a git repository, to a zip file, or to a local preview."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

import click


@click.command()
@click.argument("site", type=click.Path(path_type=Path, file_okay=False), default=Path("site"))
@click.option(
    "--remote",
    default="origin",
    show_default=True,
    metavar="NAME",
    help="Remote of the git repository in the current folder.",
)
@click.option(
    "--branch",
    default="gh-pages",
    show_default=True,
    metavar="NAME",
    help="Branch for the site; a branch with code is refused.",
)
@click.option(
    "--folder",
    default="",
    metavar="NAME",
    show_default="the top",
    help="Folder of the branch for the site, beside other sites: board.",
)
@click.option("--message", default="Publish the site", show_default=True, metavar="TEXT", help="Commit message.")
@click.option(
    "--cname",
    metavar="DOMAIN",
    show_default="the site's, else the branch's",
    help="Domain for the file CNAME of GitHub Pages, e.g. denoising.example.org.",
)
@click.option("--replace", is_flag=True, help="Remove files of the branch that belong to no site, and list them.")
@click.option("--push/--no-push", default=True, show_default=True, help="Push the commit, or keep it local.")
@click.option(
    "--zip", "archive", type=click.Path(path_type=Path, dir_okay=False), help="Write a zip file instead, e.g. site.zip."
)
@click.option("--preview", is_flag=True, help="Serve the site on this machine instead, until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port of the preview; 0 takes a free one.",
)
def publish(site, remote, branch, folder, message, cname, replace, push, archive, preview, port) -> None:
    """Publish a site on a git branch, as a zip file or locally.

    SITE is a folder made by bench report, site/ by default. Its files replace those of the previous site on the
    branch, in a new commit; CNAME and files that belong to no site are kept and listed. Your working tree and current
    branch are not changed.

    \b
    Examples:
      bench publish site
      bench publish site --no-push --branch pages
      bench publish site/board --folder board
      bench publish site --zip site.zip
      bench publish site --preview
    """
    from bench.core.errors import BadInput
    from bench.site import publish
    from bench.site.preview import server

    if archive and preview:
        raise BadInput("expected --zip or --preview, got both: choose one")
    if folder and (archive or preview):
        raise BadInput("expected --folder for a branch only, got --zip or --preview as well")
    if preview:
        with server(site, port) as serving, suppress(KeyboardInterrupt):
            # a shell starts background processes with SIGINT ignored; the preview ends at it all the same
            signal.signal(signal.SIGINT, signal.default_int_handler)
            click.echo(f"preview: http://127.0.0.1:{serving.server_address[1]}/ (stop with Ctrl-C)")
            serving.serve_forever()
        return
    if archive:
        publish.to_zip(site, archive)
        click.echo(f"zip: {archive.resolve()}")
        return
    done = publish.to_branch(site, remote, branch, message, push, cname, replace, folder)
    if done.kept:
        click.echo(f"kept on the branch, not part of a site: {publish.listed_names(done.kept)} (remove with --replace)")
    if done.removed:
        click.echo(f"removed from the branch, not part of a site: {publish.listed_names(done.removed)}")
    if done.domain:
        click.echo(f"CNAME: {done.domain}")
    click.echo(f"published: branch {branch}" + (f" of {remote}" if push else ", not pushed"))
    if push:
        unknown = f"unknown for this remote; the pages are on its branch {branch}"
        click.echo(f"address: {done.address or unknown}")
