#!/usr/bin/env python3
"""GitHub's `gh`, as far as the project's workflows use it: pull requests are files. What it does not know, it refuses."""

import json
import os
import pathlib
import re
import subprocess
import sys

pulls = pathlib.Path(os.environ["FORGE"]) / "pulls"
rights = os.environ.get("FORGE_RIGHTS", "").split()


def refuse(words):
    sys.exit(f"gh: {words}: {' '.join(sys.argv[1:])}")


def needs(right):
    if right not in rights:
        refuse(f"HTTP 403: Resource not accessible by integration ({right})")


def options(arguments, known):
    """The options by name, and the rest."""
    found, rest = {}, []
    while arguments:
        one = arguments.pop(0)
        if one in known:
            found[one] = arguments.pop(0) if known[one] else True
        elif one.startswith("-"):
            refuse(f"the option {one} is not understood")
        else:
            rest.append(one)
    return found, rest


def read():
    return [json.loads(path.read_text()) for path in sorted(pulls.glob("*.json"), key=lambda path: int(path.stem))]


def write(pull):
    (pulls / f"{pull['number']}.json").write_text(json.dumps(pull, indent=1, ensure_ascii=False))


def show(value, chosen):
    if "--jq" in chosen:
        text = subprocess.run(["jq", "-r", chosen["--jq"]], input=json.dumps(value), text=True, capture_output=True, check=True)
        print(text.stdout, end="")
    else:
        print(json.dumps(value))


def pull_of(number):
    found = [pull for pull in read() if pull["number"] == int(number)]
    return found[0] if found else refuse("HTTP 404: Not Found")


def pr_list(arguments):
    needs_read = [right for right in rights if right.startswith("pull-requests:")]
    if not needs_read:
        needs("pull-requests:read")
    chosen, rest = options(arguments, {"--head": True, "--state": True, "--json": True, "--jq": True})
    state = chosen.get("--state", "open").upper()
    # Of whoever's copy of the repository, as `gh` says; the newest first.
    found = [pull for pull in reversed(read()) if pull["headRefName"] == chosen["--head"] and state in [pull["state"], "ALL"]]
    show([{key: pull[key] for key in chosen["--json"].split(",")} for pull in found], chosen)


def pr_create(arguments):
    needs("pull-requests:write")
    chosen, rest = options(arguments, {"--head": True, "--base": True, "--title": True, "--body": True})
    if not chosen["--title"]:
        refuse("title can't be blank")
    if any(pull["headRefName"] == chosen["--head"] and pull["state"] == "OPEN" and not pull["isCrossRepository"] for pull in read()):
        refuse("a pull request for this branch already exists")
    repository = pathlib.Path(os.environ["FORGE"]) / "repository.git"
    branch = subprocess.run(["git", "-C", repository, "rev-parse", "--verify", "-q", "refs/heads/" + chosen["--head"]], capture_output=True)
    if branch.returncode != 0:
        refuse("Head sha can't be blank")
    number = len(read()) + 1
    write({"number": number, "headRefName": chosen["--head"], "baseRefName": chosen["--base"], "title": chosen["--title"],
           "body": chosen["--body"], "state": "OPEN", "isCrossRepository": False, "comments": []})
    print(f"https://forge.example.org/pull/{number}")


def api(arguments):
    chosen, rest = options(arguments, {"--method": True, "--paginate": False, "--jq": True, "-F": True, "--silent": False})
    path, method = rest[0], chosen.get("--method", "POST" if "-F" in chosen else "GET")
    enable = re.fullmatch(r"repos/ada/site/actions/workflows/([\w.-]+)/enable", path)
    comments = re.fullmatch(r"repos/ada/site/issues/(\d+)/comments", path)
    comment = re.fullmatch(r"repos/ada/site/issues/comments/(\d+)", path)
    body = None
    if "-F" in chosen:
        key, file = chosen["-F"].split("=@", 1)
        if key != "body":
            refuse("the field is not understood")
        body = pathlib.Path(file).read_text()
    if enable and method == "PUT":
        needs("actions:write")
        (pulls.parent / "kept-alive").write_text(enable[1] + "\n")
    elif comments and method == "GET":
        show(pull_of(comments[1])["comments"], chosen)
    elif comments and method == "POST":
        needs("pull-requests:write")
        pull = pull_of(comments[1])
        identity = 1 + sum(len(one["comments"]) for one in read())
        pull["comments"].append({"id": identity, "body": body})
        write(pull)
    elif comment and method == "PATCH":
        needs("pull-requests:write")
        for pull in read():
            for one in pull["comments"]:
                if one["id"] == int(comment[1]):
                    one["body"] = body
                    write(pull)
    else:
        refuse("this call is not understood")


arguments = sys.argv[1:]
if not os.environ.get("GH_TOKEN"):
    refuse("To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable")
commands = {("pr", "list"): pr_list, ("pr", "create"): pr_create}
if arguments[:1] == ["api"]:
    api(arguments[1:])
elif tuple(arguments[:2]) in commands:
    commands[tuple(arguments[:2])](arguments[2:])
else:
    refuse("the command is not understood")
