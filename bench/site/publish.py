"""Publishing a site: to a branch of a git repository (GitHub Pages), or as a zip file."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.core.errors import BadInput, shortened
from reports.site_writer import FILES, files

CNAME, NO_JEKYLL = "CNAME", ".nojekyll"
CODE = ("main", "master")  # branches that hold code unless a site was published to them
DOMAIN = r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
MAX_LISTED = 10  # file names in a message


@dataclass(frozen=True)
class Published:
    """The result of publishing to a branch.

    domain   custom domain in the file CNAME, '' for none
    address  the address on GitHub Pages, '' if unknown
    kept, removed  files of the branch that do not belong to a site
    """

    domain: str
    address: str
    kept: tuple[str, ...]
    removed: tuple[str, ...]


def to_branch(
    site: Path,
    remote: str,
    branch: str,
    message: str,
    push: bool = True,
    domain: str | None = None,
    replace: bool = False,
    folder: str = "",
) -> Published:
    """Commit a site to a branch of the git repository of the current folder, and push it to `remote`.

    Only the listed files of the site are committed; the work tree does not change. Files of the previously published
    site are removed. The branch's CNAME is kept unless `domain` or the site has one. Other files of the branch are
    kept, or removed with `replace`. `push=False`: commit to the local branch only. `folder`: of the branch, for
    this site alone; sites outside it do not change. Raises BadInput.
    """
    prefix = _prefix(folder)
    sources = {prefix + name: site / name for name in _files(site)}
    domain = _domain(domain)
    _git("rev-parse", "--git-dir", otherwise="expected a git repository, got none here: publish from inside one")
    _git("check-ref-format", "--branch", branch, otherwise=f"expected a branch name, got {shortened(branch)}")
    if push:
        _fetch(remote, branch)
    _git("var", "GIT_COMMITTER_IDENT", otherwise="git has no committer: set git config --global user.name NAME")
    before = _tip(remote, branch)
    existing = _entries(before)
    _refuse_code(branch, remote, bool(existing) and not _of_site(before, existing))
    of_site = _of_site(before, existing, prefix)
    others = [name for name in existing if name not in of_site and name not in (CNAME, NO_JEKYLL)]
    foreign = [name for name in others if name.startswith(prefix)]
    covered = [name for name in others if any(_covers(name, own) for own in (*sources, NO_JEKYLL))]
    if covered and not replace:
        raise BadInput(
            f"branch {branch} has files that do not belong to a site and would be overwritten: "
            f"{listed_names(covered)}. Use --replace to remove all files that do not belong to a site "
            f"({listed_names(foreign)}), or another --branch"
        )
    removed = foreign if replace else []
    named = _named(domain, None if folder else site / CNAME, before if CNAME in existing else "")
    commit = _commit(before, [*of_site, *removed], sources, named, message)
    old = _git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", otherwise=None)
    _git("update-ref", "-m", message, f"refs/heads/{branch}", commit, old or "", otherwise="")
    if push:
        refused = f"{remote} rejected {branch}; the commit is in the local branch {branch}"
        _git("push", "--quiet", remote, f"refs/heads/{branch}:refs/heads/{branch}", otherwise=refused)
    url = _git("remote", "get-url", remote, otherwise=None) or ""
    kept = tuple(name for name in foreign if name not in removed)
    address = address_of(url, named)
    return Published(named, address and address + prefix, kept, tuple(removed))


def address_of(url: str, domain: str = "") -> str:
    """The address on GitHub Pages by the remote's URL and the custom domain; '' if the remote is not on GitHub.

    Source: docs.github.com/en/pages/getting-started-with-github-pages/about-github-pages
    """
    if domain:
        return f"https://{domain}/"
    host, _, path = url.rpartition("@")[2].partition(":")  # git@github.com:user/repository.git
    if "://" in url:
        host, path = urlsplit(url).hostname or "", urlsplit(url).path
    owner, _, name = path.strip("/").removesuffix(".git").partition("/")
    if host.lower() not in ("github.com", "www.github.com", "ssh.github.com") or not name or "/" in name:
        return ""
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def listed_names(names: list[str] | tuple[str, ...]) -> str:
    """The first names, and the number of the others: 'a, b and 3 more'."""
    more = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def to_zip(site: Path, target: Path) -> None:
    """Write a site to a zip file, byte for byte equal for equal sites. Raises BadInput."""
    if target.exists() and not target.is_file():  # a folder, or a device, which would be replaced by a file
        raise BadInput(f"expected a zip file, got {target}: name a file with --zip")
    part = target.with_name(target.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in public(site):
                entry = zipfile.ZipInfo(
                    f"{target.stem}/{name}"
                )  # with the fixed date 1980, so that equal sites give equal files
                entry.external_attr = 0o644 << 16
                packed = name.endswith((".webp", ".png"))
                entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
                archive.writestr(entry, (site / name).read_bytes())
        part.replace(target)
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def public(site: Path) -> list[str]:
    """The files of a site that are published: those of its listing, and CNAME if it has one. Raises BadInput."""
    return [*_files(site), *([CNAME] if (site / CNAME).is_file() else [])]


def _files(site: Path) -> list[str]:
    try:
        listed = files(site)
    except ValueError as error:
        raise BadInput(str(error)) from error
    missing = [name for name in listed if not (site / name).is_file()]
    if missing:
        raise BadInput(
            f"expected the listed file {missing[0]} in {site}, got none: make the site again with bench report"
        )
    return [name for name in listed if name != CNAME]


def _prefix(folder: str) -> str:
    """The beginning of the names of files in a folder of a branch, 'board/'; '' for ''. Raises BadInput."""
    if folder and not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)*", folder):
        raise BadInput(f"expected a folder of the branch such as board, got {shortened(folder)}")
    return f"{folder}/" if folder else ""


def _domain(text: str | None) -> str:
    """A domain for CNAME, '' for None. Raises BadInput for an address or an invalid domain."""
    if text is None:
        return ""
    if not re.fullmatch(DOMAIN, text):
        raise BadInput(f"expected a domain such as www.example.org, got {shortened(text)}")
    return text


def _fetch(remote: str, branch: str) -> None:
    """Fetch the remote's branch, or delete its remote-tracking branch if the remote has none."""
    _git("remote", "get-url", remote, otherwise=f"expected a git remote, got {remote!r}: see git remote -v")
    tip = _git("ls-remote", remote, f"refs/heads/{branch}", otherwise=f"cannot reach the remote {remote!r}")
    followed = f"refs/remotes/{remote}/{branch}"
    if tip:
        _git("fetch", "--quiet", "--no-tags", remote, f"+refs/heads/{branch}:{followed}", otherwise="")
    elif _git("rev-parse", "--verify", "--quiet", followed, otherwise=None):
        _git("update-ref", "-d", followed, otherwise="")


def _tip(remote: str, branch: str) -> str:
    """The parent commit: the newer of the local and the remote branch, '' for a new branch.

    Raises BadInput if the two have diverged.
    """
    local, tracked = (
        _git("rev-parse", "--verify", "--quiet", f"refs/{name}", otherwise=None) or ""
        for name in (f"heads/{branch}", f"remotes/{remote}/{branch}")
    )
    if not local or not tracked:
        return local or tracked
    base = _git("merge-base", local, tracked, otherwise=None)
    if base not in (local, tracked):
        raise BadInput(
            f"the local branch {branch} and that of {remote} have diverged: merge them, or delete the local one with "
            f"git branch -D {branch}"
        )
    return tracked if base == local else local


def _refuse_code(branch: str, remote: str, code: bool) -> None:
    """Raises BadInput for a branch that is checked out, or that has files but none of a site (`code`)."""
    out = _git("worktree", "list", "--porcelain", otherwise="").splitlines()
    current = _git("symbolic-ref", "--quiet", "HEAD", otherwise=None)
    if f"branch refs/heads/{branch}" in out or current == f"refs/heads/{branch}":
        raise BadInput(f"the branch {branch} is checked out: use another, such as --branch gh-pages")
    head = _git("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD", otherwise=None)
    if code and (branch in CODE or head == f"refs/remotes/{remote}/{branch}"):
        raise BadInput(f"the branch {branch} holds code and no published site: use another, such as --branch gh-pages")


def _entries(commit: str) -> list[str]:
    """The files of a commit."""
    return _git("ls-tree", "-r", "-z", "--name-only", commit, otherwise="").split("\0")[:-1] if commit else []


def _of_site(commit: str, names: list[str], prefix: str = "") -> list[str]:
    """The files of a commit that are in the listing of a site in the folder `prefix`."""
    if prefix + FILES not in names:
        return []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILES).write_text(_git("show", f"{commit}:{prefix}{FILES}", otherwise=""), encoding="utf-8")
        try:
            listed = {prefix + name for name in files(Path(folder))}
        except ValueError:  # a file of the same name that is not a listing
            return []
    return [name for name in names if name in listed and name != CNAME]


def _covers(name: str, other: str) -> bool:
    """Whether two files exclude each other: equal names, or one is a folder of the other."""
    return name == other or name.startswith(f"{other}/") or other.startswith(f"{name}/")


def _named(chosen: str, file: Path | None, before: str) -> str:
    """The custom domain of the branch: the chosen one, else that of the site's CNAME, else that of commit `before`."""
    if chosen:
        return chosen
    if file and file.is_file():
        return _domain(file.read_text(encoding="utf-8").strip())
    return _git("show", f"{before}:{CNAME}", otherwise="") if before else ""


def _commit(before: str, gone: list[str], sources: dict[str, Path], domain: str, message: str) -> str:
    """Create a commit on top of `before` without the files `gone` and with `sources`, byte for byte; its hash."""
    content = dict.fromkeys([NO_JEKYLL], b"") | ({CNAME: f"{domain}\n".encode()} if domain else {})
    blobs = {name: _git("hash-object", "-w", "--stdin", given=text, otherwise="") for name, text in content.items()}
    paths = "".join(f"{path.resolve()}\n" for path in sources.values()).encode()
    made = _git("hash-object", "-w", "--no-filters", "--stdin-paths", given=paths, otherwise="").split()
    blobs |= dict(zip(sources, made, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git("read-tree", before or "--empty", otherwise="", **index)
        nothing = "0" * len(blobs[NO_JEKYLL])
        lines = [f"0 {nothing}\t{name}" for name in gone] + [f"100644 {blob}\t{name}" for name, blob in blobs.items()]
        _git(
            "update-index",
            "-z",
            "--replace",
            "--index-info",
            given=os.fsencode("\0".join([*lines, ""])),
            otherwise="",
            **index,
        )
        tree = _git("write-tree", otherwise="", **index)
    parent = ("-p", before) if before else ()
    return _git("commit-tree", tree, *parent, given=message.encode(), otherwise="")


def _git(*arguments: str, otherwise: str | None, given: bytes | None = None, **environment: str) -> str:
    """The output of a git command. If it fails: '' for `otherwise=None`, else BadInput with `otherwise` and git's last
    line."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, input=given, env={**os.environ, **environment})
    except FileNotFoundError:
        raise BadInput("expected git to be installed: install it, use --zip, or copy the folder") from None
    if done.returncode and otherwise is None:
        return ""
    if done.returncode:
        last_line = (done.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
        raise BadInput(": ".join(filter(None, [otherwise or f"git {arguments[0]} failed", last_line])))
    return done.stdout.decode(errors="surrogateescape").strip()
