#!/usr/bin/env python3
"""Times a run with nothing to do whose memory is a branch, in fresh shallow clones, beside what git alone takes to bring it.

Usage: branch.py PROGRAM [--letters N] [--rounds N]
Prints the median of the whole command, of `git fetch` and `git archive` of the same branch, and the ratio.
"""

import argparse
import pathlib
import statistics
import subprocess
import tempfile
import time

CONFIG = """site: {{ url: "https://www.example.org/", title: Le site, language: fr, time_zone: Europe/Paris }}
content: {{ paths: [posts], permalink: "/posts/{{stem}}/" }}
mail: {{ transport: "maildir:{list}" }}
database: git:crieur/state
"""
LETTER = "title: La lettre\nfrom: La rédaction <lettre@example.org>\nto: liste@lists.example.org\nleave: list\nschedule: each-run\nbacklog: announce\n"


def git(folder, *arguments):
    identity = ["-c", "user.name=Banc", "-c", "user.email=banc@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def timed(folder, *command):
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("--letters", type=int, default=100)
parser.add_argument("--rounds", type=int, default=7)
options = parser.parse_args()
program = str(pathlib.Path(options.program).resolve())
with tempfile.TemporaryDirectory() as name:
    place = pathlib.Path(name)
    git(place, "init", "--bare", "--initial-branch=main", "origin.git")
    git(place, "clone", "origin.git", "editor")
    editor = place / "editor"
    for path in ["config/newsletters", "feeds", "posts"]:
        (editor / path).mkdir(parents=True)
    (editor / ".gitignore").write_text("public/\n")
    (editor / "config/crieur.yaml").write_text(CONFIG.format(list=place / "list"))
    (editor / "config/newsletters/news.yaml").write_text(LETTER)
    (editor / "feeds/news.yaml").write_text("title: Nouvelles\noutputs: { atom: feed/feed.xml }\n")
    for number in range(options.letters):
        (editor / f"posts/p{number}.md").write_text(f"---\ntitle: Post {number}\ndate: 2026-03-01\n---\nTexte {number}.\n")
        if number == 0:
            git(editor, "add", "--all")
            git(editor, "commit", "--message", "A site")
            git(editor, "push", "origin", "HEAD:main")
        timed(editor, program, "-q", "run")
    git(editor, "add", "--all")
    git(editor, "commit", "--message", "All posts")
    git(editor, "push", "origin", "HEAD:main")
    runs, gits = [], []
    for number in range(options.rounds):
        clone = place / f"clone-{number}"
        git(place, "clone", "--depth=1", f"file://{place}/origin.git", clone.name)
        runs.append(timed(clone, program, "-q", "run"))
        git(place, "clone", "--depth=1", f"file://{place}/origin.git", f"bare-{number}")
        bare = place / f"bare-{number}"
        fetched = timed(bare, "git", "fetch", "--depth=1", "origin", "+refs/heads/crieur/state:refs/memory")
        gits.append(fetched + timed(bare, "git", "archive", "--output", str(place / "archive.tar"), "refs/memory"))
    run, alone = statistics.median(runs), statistics.median(gits)
    print(f"{options.letters} letters: run {run:.3f} s, git alone {alone:.3f} s, ratio {run / alone:.1f}")
