"""A site to where others see it: a branch of a git repository, or a zip file."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.errors import BadInput, shortened
from reports.folder import FILES, files

CNAME, NO_JEKYLL = "CNAME", ".nojekyll"
CODE = ("main", "master")  # branches that hold code, where nothing was published to them
DOMAIN = r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
SOME = 10  # names in a list of files


@dataclass(frozen=True)
class Published:
    """What was committed, and what of the branch was not of a site.

    domain   of the file CNAME, '' where there is none
    address  where GitHub shows the branch, '' where the remote's address does not tell
    kept, removed  files of the branch that are of no site
    """

    domain: str
    address: str
    kept: tuple[str, ...]
    removed: tuple[str, ...]


def to_branch(site: Path, remote: str, branch: str, message: str, push: bool = True, domain: str | None = None,
              replace: bool = False) -> Published:  # fmt: skip
    """Commit a site to a branch of the repository that one stands in, and push it. Raises BadInput.

    `remote` is the name of a remote of that repository. Only the files of the site are committed, whatever else lies
    in its folder, and the work tree is left alone. Files of the site that was published before go; the branch's CNAME
    stays where neither `domain` nor the site has one. Files that are of no site stay too; with `replace` they go. With
    `push` false the commit stays here.
    """
    listed = _files(site)
    domain = _domain(domain)
    _git("rev-parse", "--git-dir", otherwise="this folder is in no git repository: publish from inside one")
    _git("check-ref-format", "--branch", branch, otherwise=f"{shortened(branch)} is no name for a branch")
    if push:
        _fetch(remote, branch)
    _git("var", "GIT_COMMITTER_IDENT", otherwise="git does not know who commits: git config --global user.name NAME")
    before = _tip(remote, branch)
    there = _entries(before)
    ours = _of_site(before, there)
    _refuse_code(branch, remote, bool(there) and not ours)
    foreign = [name for name in there if name not in ours and name not in (CNAME, NO_JEKYLL)]
    covered = [name for name in foreign if any(_covers(name, own) for own in (*listed, NO_JEKYLL))]
    if covered and not replace:
        raise BadInput(
            f"files of branch {branch} that are of no site would be overwritten: {some(covered)}. Write --replace to "
            f"remove all files that are of no site ({some(foreign)}), or name another --branch"
        )
    removed = foreign if replace else []
    wanted = {name: site / name for name in listed}
    named = _named(domain, site / CNAME, before if CNAME in there else "")
    commit = _commit(before, [*ours, *removed], wanted, named, message)
    old = _git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", otherwise=None)
    _git("update-ref", "-m", message, f"refs/heads/{branch}", commit, old or "", otherwise="")
    if push:
        refused = f"{remote} refused {branch}; the commit is in the local branch {branch}"
        _git("push", "--quiet", remote, f"refs/heads/{branch}:refs/heads/{branch}", otherwise=refused)
    url = _git("remote", "get-url", remote, otherwise=None) or ""
    kept = tuple(name for name in foreign if name not in removed)
    return Published(named, address_of(url, named), kept, tuple(removed))


def address_of(url: str, domain: str = "") -> str:
    """Where GitHub Pages shows a repository, by the address of its remote and its CNAME; '' where that is not known.

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
    home = f"{owner.lower()}.github.io"
    return f"https://{home}/" if name.lower() == home else f"https://{home}/{name}/"


def some(names: list[str] | tuple[str, ...]) -> str:
    """The first names of a list, and how many more there are."""
    more = len(names) - SOME
    return ", ".join(names[:SOME]) + (f" and {more} more" if more > 0 else "")


def to_zip(site: Path, target: Path) -> None:
    """Write a site into a zip file that is equal where the site is. Raises BadInput."""
    part = target.with_name(target.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in public(site):
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


def public(site: Path) -> list[str]:
    """The files of a site that are published: those of its listing, and a CNAME beside them. Raises BadInput."""
    return [*_files(site), *([CNAME] if (site / CNAME).is_file() else [])]


def _files(site: Path) -> list[str]:
    try:
        listed = files(site)
    except ValueError as error:
        raise BadInput(str(error)) from error
    missing = [name for name in listed if not (site / name).is_file()]
    if missing:
        raise BadInput(f"{site} lacks {missing[0]}, which its listing names: make it again with bench report")
    return [name for name in listed if name != CNAME]


def _domain(text: str | None) -> str:
    """A domain as it stands in CNAME. Raises BadInput for an address, or a name that is none."""
    if text is None:
        return ""
    if not re.fullmatch(DOMAIN, text):
        raise BadInput(f"expected a domain such as www.example.org, got {shortened(text)}")
    return text


def _fetch(remote: str, branch: str) -> None:
    """Bring the remote's branch here, which others may have published to; or forget it where the remote has none."""
    _git("remote", "get-url", remote, otherwise=f"this repository has no remote {remote!r}: see git remote -v")
    tip = _git("ls-remote", remote, f"refs/heads/{branch}", otherwise=f"the remote {remote!r} cannot be reached")
    followed = f"refs/remotes/{remote}/{branch}"
    if tip:
        _git("fetch", "--quiet", "--no-tags", remote, f"+refs/heads/{branch}:{followed}", otherwise="")
    elif _git("rev-parse", "--verify", "--quiet", followed, otherwise=None):
        _git("update-ref", "-d", followed, otherwise="")


def _tip(remote: str, branch: str) -> str:
    """The commit to go on from: the newer of the branch here and at the remote; '' for a new branch.

    Raises BadInput where each has commits that the other has not: none are dropped.
    """
    here, there = (_git("rev-parse", "--verify", "--quiet", f"refs/{name}", otherwise=None) or ""
                   for name in (f"heads/{branch}", f"remotes/{remote}/{branch}"))  # fmt: skip
    if not here or not there:
        return here or there
    base = _git("merge-base", here, there, otherwise=None)
    if base not in (here, there):
        raise BadInput(
            f"the branch {branch} here and at {remote} each have commits that the other has not: merge them, or drop "
            f"those here with git branch -D {branch}"
        )
    return there if base == here else here


def _refuse_code(branch: str, remote: str, code: bool) -> None:
    """Raises BadInput for a branch that is checked out, or holds code: files, none of them of a site (`code`)."""
    out = _git("worktree", "list", "--porcelain", otherwise="").splitlines()
    current = _git("symbolic-ref", "--quiet", "HEAD", otherwise=None)
    if f"branch refs/heads/{branch}" in out or current == f"refs/heads/{branch}":
        raise BadInput(f"the branch {branch} is checked out: name another, such as --branch gh-pages")
    head = _git("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD", otherwise=None)
    if code and (branch in CODE or head == f"refs/remotes/{remote}/{branch}"):
        raise BadInput(
            f"the branch {branch} holds code, and no site was published to it: name another, such as --branch gh-pages"
        )


def _entries(commit: str) -> list[str]:
    """The files of a commit."""
    return _git("ls-tree", "-r", "-z", "--name-only", commit, otherwise="").split("\0")[:-1] if commit else []


def _of_site(commit: str, there: list[str]) -> list[str]:
    """The files of a commit that a site's listing in it names."""
    if FILES not in there:
        return []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILES).write_text(_git("show", f"{commit}:{FILES}", otherwise=""), encoding="utf-8")
        try:
            listed = set(files(Path(folder)))
        except ValueError:  # a file of that name that is no listing of ours
            return []
    return [name for name in there if name in listed and name != CNAME]


def _covers(name: str, other: str) -> bool:
    """Whether two files cannot both be there: of one name, or one in place of a folder of the other."""
    return name == other or name.startswith(f"{other}/") or other.startswith(f"{name}/")


def _named(chosen: str, file: Path, before: str) -> str:
    """The domain that the branch is to have: the chosen one, or the site's, or what it has in a commit before."""
    if chosen:
        return chosen
    if file.is_file():
        return _domain(file.read_text(encoding="utf-8").strip())
    return _git("show", f"{before}:{CNAME}", otherwise="") if before else ""


def _commit(before: str, gone: list[str], wanted: dict[str, Path], domain: str, message: str) -> str:
    """A commit on top of another: without some files, with those of the site; git's filters leave them as they are."""
    content = dict.fromkeys([NO_JEKYLL], b"") | ({CNAME: f"{domain}\n".encode()} if domain else {})
    blobs = {name: _git("hash-object", "-w", "--stdin", given=text, otherwise="") for name, text in content.items()}
    paths = "".join(f"{path.resolve()}\n" for path in wanted.values()).encode()
    made = _git("hash-object", "-w", "--no-filters", "--stdin-paths", given=paths, otherwise="").split()
    blobs |= dict(zip(wanted, made, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git("read-tree", before or "--empty", otherwise="", **index)
        nothing = "0" * len(blobs[NO_JEKYLL])
        lines = [f"0 {nothing}\t{name}" for name in gone] + [f"100644 {blob}\t{name}" for name, blob in blobs.items()]
        _git("update-index", "-z", "--replace", "--index-info", given=os.fsencode("\0".join([*lines, ""])),
             otherwise="", **index)  # fmt: skip
        tree = _git("write-tree", otherwise="", **index)
    parent = ("-p", before) if before else ()
    return _git("commit-tree", tree, *parent, given=message.encode(), otherwise="")


def _git(*arguments: str, otherwise: str | None, given: bytes | None = None, **environment: str) -> str:
    """What git prints. Where it fails: '' for None, else BadInput with that sentence and git's own last line."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, input=given, env={**os.environ, **environment})
    except FileNotFoundError:
        raise BadInput("git is not installed: use --zip, or copy the folder") from None
    if done.returncode and otherwise is None:
        return ""
    if done.returncode:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
        raise BadInput(": ".join(filter(None, [otherwise or f"git {arguments[0]} failed", said])))
    return done.stdout.decode(errors="surrogateescape").strip()
