"""Every relative link in the documentation leads somewhere, and every anchor exists. No network."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

SKIPPED = {".git", ".venv", "node_modules", "build", "dist"}
FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
TAG = re.compile(r"<(?:a|img)\s[^>]*?(?:href|src)=\"([^\"]+)\"")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)


def pages(root: Path) -> list[Path]:
    """All Markdown files of the project."""
    found = (page for page in root.rglob("*.md") if not SKIPPED & {*page.relative_to(root).parts})
    return sorted(found)


def prose(page: Path) -> str:
    """The page without code blocks and comments."""
    return COMMENT.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading.

    >>> slug("What `gannet` writes: files & folders")
    'what-gannet-writes-files--folders'
    """
    shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    kept = re.sub(r"[^\w\- ]", "", shown.replace("`", "").strip().lower())
    return kept.replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Everything on the page that a link can lead to."""
    text = prose(page)
    seen: Counter[str] = Counter()
    found = set(ANCHOR.findall(text))
    for heading in HEADING.findall(text):
        name = slug(heading)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def links(page: Path) -> Iterator[str]:
    """Every target on the page, as written."""
    text = CODE.sub("", prose(page))
    for pattern in (LINK, TAG, REFERENCE):
        yield from pattern.findall(text)


def fault(root: Path, page: Path, target: str) -> str:
    """What is wrong with a link, or nothing."""
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return ""
    place, _, anchor = target.partition("#")
    if place.startswith("/"):
        return "starts at the root of somebody's disk"
    goal = (page.parent / unquote(place)).resolve() if place else page
    if not goal.exists():
        return "leads nowhere"
    if not goal.is_relative_to(root):
        return "leads out of the project"
    if anchor and goal.suffix == ".md" and anchor not in anchors(goal):
        return "has no such heading"
    return ""


def main(root: Path) -> int:
    """Check all pages; print each fault with its place."""
    root = root.resolve()
    counted, faults = 0, 0
    listed = pages(root)
    for page in listed:
        for target in links(page):
            counted += 1
            if wrong := fault(root, page, target):
                faults += 1
                print(f"{page.relative_to(root)}: {target} {wrong}", file=sys.stderr)
    print(f"{counted} links on {len(listed)} pages, {faults} broken")
    # A check that looked at nothing has not passed.
    return 1 if faults or not listed else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent.parent))
