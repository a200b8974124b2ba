"""A site to where others see it: a branch of a git repository, or a zip file."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from bench.errors import BadInput
from reports.folder import files


def to_branch(site: Path, remote: str, branch: str, message: str, push: bool = True) -> None:
    """Commit a site as the whole of a branch of the repository that one stands in, and push it. Raises BadInput.

    `remote` is the name of a remote of that repository. Only the files of the site are committed, whatever else lies
    in its folder, and the work tree is left alone. With `push` false the commit stays here.
    """
    import ghp_import

    listed = _files(site)
    _git("rev-parse", "--git-dir", otherwise="this folder is in no git repository: publish from inside one")
    if push:
        _git("remote", "get-url", remote, otherwise=f"this repository has no remote {remote!r}: see git remote -v")
        _git("ls-remote", remote, otherwise=f"the remote {remote!r} cannot be reached")
        tip = _git("ls-remote", "--heads", remote, branch, otherwise="")
        if tip:  # what others have published meanwhile becomes the parent
            _git("fetch", "--quiet", remote, f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}", otherwise="")
    _git("config", "user.name", otherwise="git does not know who commits: git config --global user.name NAME")
    with tempfile.TemporaryDirectory() as folder:
        for name in listed:
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(site / name, target)
        try:
            ghp_import.ghp_import(folder, remote=remote, branch=branch, mesg=message, nojekyll=True)
        except (ghp_import.GhpError, OSError) as error:
            raise BadInput(f"{site} cannot be committed to {branch}: {getattr(error, 'message', error)}") from error
    if push:
        refused = f"{remote} refused {branch}; the commit is in the local branch {branch}"
        _git("push", "--quiet", remote, f"{branch}:{branch}", otherwise=refused)


def to_zip(site: Path, target: Path) -> None:
    """Write a site into a zip file that is equal where the site is. Raises BadInput."""
    part = target.with_name(target.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in _files(site):
                entry = zipfile.ZipInfo(f"{target.stem}/{name}")  # of 1980: no time in it
                entry.external_attr = 0o644 << 16
                packed = name.endswith((".webp", ".png"))
                entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
                archive.writestr(entry, (site / name).read_bytes())
        part.replace(target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _files(site: Path) -> list[str]:
    try:
        listed = files(site)
    except ValueError as error:
        raise BadInput(str(error)) from error
    missing = [name for name in listed if not (site / name).is_file()]
    if missing:
        raise BadInput(f"{site} lacks {missing[0]}, which its listing names: make it again with bench report")
    return listed


def _git(*arguments: str, otherwise: str) -> str:
    """What git prints; BadInput with that sentence, and git's own last line, where it fails."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        raise BadInput("git is not installed: use --zip, or copy the folder") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [""])[-1]
        raise BadInput(": ".join(filter(None, [otherwise or f"git {arguments[0]} failed", said])))
    return done.stdout.strip()
