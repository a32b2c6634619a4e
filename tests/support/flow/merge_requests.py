#!/usr/bin/env python3
"""What a forge does with the options of a push: a merge request, kept as the pull requests are. What is not known is refused."""

import json
import os
import pathlib
import sys

PREFIX = "merge_request."
pulls = pathlib.Path.cwd().parent / "pulls"
given = [os.environ[f"GIT_PUSH_OPTION_{at}"] for at in range(int(os.environ.get("GIT_PUSH_OPTION_COUNT", "0")))]
if not given:
    sys.exit()
wanted = {}
for option in given:
    name, _, value = option.partition("=")
    name = name.removeprefix(PREFIX) if name.startswith(PREFIX) else sys.exit(f"the option {option} is not understood")
    if name not in ["create", "target", "title", "description", "remove_source_branch"] or "\n" in value:
        sys.exit(f"the option {option} is not understood")
    wanted[name] = value
for line in sys.stdin:
    old, new, ref = line.split()
    head = ref.removeprefix("refs/heads/")
    known = [json.loads(path.read_text()) for path in pulls.glob("*.json")]
    pull = next((one for one in known if one["headRefName"] == head and one["state"] == "OPEN"), None)
    if pull is None and "create" in wanted:
        pull = {"number": len(known) + 1, "headRefName": head, "baseRefName": wanted["target"], "title": head, "body": "",
                "state": "OPEN", "isCrossRepository": False, "comments": []}
    if pull is not None:
        pull["title"] = wanted.get("title", pull["title"])
        pull["body"] = wanted.get("description", pull["body"])
        (pulls / f"{pull['number']}.json").write_text(json.dumps(pull, indent=1, ensure_ascii=False))
