"""Reads a letter as Python's email package does, strictly, and prints what a test asks for as JSON."""
import email
import email.policy
import json
import sys

raw = sys.stdin.buffer.read()
message = email.message_from_bytes(raw, policy=email.policy.default)
parts = [part for part in message.walk() if not part.is_multipart()]
defects = list(message.defects)
for part in message.walk():
    defects += part.defects
for value in message.values():
    defects += getattr(value, "defects", [])
print(json.dumps({
    "defects": [repr(defect) for defect in defects],
    "type": message.get_content_type(),
    "headers": [[name.lower(), str(value)] for name, value in message.items()],
    "parts": [[part.get_content_type(), part.get_content_charset(), part.get_content()] for part in parts],
    "to": [[a.display_name, a.addr_spec] for a in message["to"].addresses],
    "from": [[a.display_name, a.addr_spec] for a in message["from"].addresses],
    "longest": max(len(line) for line in raw.split(b"\n")),
}))
