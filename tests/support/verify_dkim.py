"""What Python's dkimpy says of each signature of each letter in a folder: a line of JSON for each letter.

Its arguments: the folder, and a file of DNS records, `NAME VALUE` a line. Letters' lines end in CRLF.
"""
import json
import os
import sys

import dkim

folder, records = sys.argv[1:]
dns = {}
with open(records) as lines:
    for line in lines:
        name, value = line.strip().split(" ", 1)
        dns[name.encode() + b"."] = value.encode()


def lookup(name, timeout=5):
    return dns.get(name)


for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name), "rb") as file:
        letter = file.read()
    verifier = dkim.DKIM(letter)
    count = sum(1 for field, _ in verifier.headers if field.lower() == b"dkim-signature")
    said = []
    for index in range(count):
        try:
            said.append(bool(dkim.DKIM(letter).verify(index, dnsfunc=lookup)))
        except dkim.DKIMException as error:
            said.append(str(error))
    print(json.dumps({"letter": name, "signatures": said}))
