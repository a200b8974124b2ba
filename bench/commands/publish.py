"""`bench publish`: a site onto a branch of a git repository, into a zip file, or served on this machine."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click


@click.command()
@click.argument("site", type=click.Path(path_type=Path, file_okay=False), default=Path("site"))
@click.option("--remote", default="origin", show_default=True, help="A remote of the repository that you stand in.")
@click.option("--branch", default="gh-pages", show_default=True, help="It gets the site; no branch with code.")
@click.option("--message", default="Publish the site", show_default=True, help="Of the commit.")
@click.option("--cname", metavar="DOMAIN", help="Of the file CNAME.  [default: the site's, else the branch's]")
@click.option("--replace", is_flag=True, help="Remove files of the branch that are of no site, and name them.")
@click.option("--push/--no-push", default=True, show_default=True, help="Without it the commit stays here.")
@click.option("--zip", "archive", type=click.Path(path_type=Path, dir_okay=False), help="A zip file instead.")
@click.option("--preview", is_flag=True, help="Serve the site on this machine instead, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True,
              help="Of the preview; 0 takes a free one.")  # fmt: skip
def publish(site, remote, branch, message, cname, replace, push, archive, preview, port) -> None:
    """Publish SITE, a folder that bench report made.

    The branch gets the files of the site in the place of those of the site before, with its past as history; your
    files and the branch that you are on stay as they are. The branch's CNAME, and files on it that are of no site, are
    kept and named. Only the files of the site, and a CNAME in its folder, are published.
    """
    from bench.errors import BadInput
    from bench.site import publish
    from bench.site.preview import server

    if archive and preview:
        raise BadInput("--zip and --preview were both given: one of them")
    if preview:
        with server(site, port) as serving, suppress(KeyboardInterrupt):
            click.echo(f"preview: http://127.0.0.1:{serving.server_address[1]}/ (Ctrl-C ends it)")
            serving.serve_forever()
        return
    if archive:
        publish.to_zip(site, archive)
        click.echo(f"zip: {archive.resolve()}")
        return
    done = publish.to_branch(site, remote, branch, message, push, cname, replace)
    if done.kept:
        click.echo(f"kept on the branch, of no site: {publish.listed_names(done.kept)} (--replace removes them)")
    if done.removed:
        click.echo(f"removed from the branch, of no site: {publish.listed_names(done.removed)}")
    if done.domain:
        click.echo(f"CNAME: {done.domain}")
    click.echo(f"published: branch {branch}" + (f" of {remote}" if push else ", not pushed"))
    if push:
        unknown = f"the remote's address does not tell where pages are shown; it holds them in its branch {branch}"
        click.echo(f"address: {done.address or unknown}")
