#!/usr/bin/env python3
"""A million people: how long import, import again, freezing and delivery take, and how much memory each needs.

    benches/million.py [--people 1000000] [--program target/release/crieur] [--database postgres://…] [--deliver]

Makes a project in a folder of its own, and removes it. Before the import, the database's own program takes in the same file: `sqlite3`
(.import) or `psql` (\\copy), into one table with a key on the address; what counts is the ratio. With --deliver the letters go to Postfix's smtp-sink on this machine;
without, the edition is frozen and stopped there (the mail server is a port where nobody listens).
"""
import argparse, json, os, shutil, socket, subprocess, sys, tempfile, time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(program, folder, *arguments, expect=(0,)):
    began = time.monotonic()
    process = subprocess.Popen([program, "-C", folder, "--json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if os.waitstatus_to_exitcode(status) not in expect:
        sys.exit(f"{arguments}: {errors.decode()}")
    return (seconds, usage.ru_utime + usage.ru_stime), usage.ru_maxrss / 1024, json.loads(output) if output else None


def peer(folder, database, people):
    """How long the database's own program takes for the same rows in one table, and what it is called; None: it is not there."""
    table = "CREATE TABLE people (email TEXT PRIMARY KEY, name TEXT, city TEXT)"
    if database.startswith("sqlite:"):
        name, command = "sqlite3 .import", ["sqlite3", f"{folder}/peer.db"]
        script = f"PRAGMA journal_mode = WAL;\n{table};\n.mode csv\n.import --skip 1 {people} people\n"
    else:
        name, command = "psql \\copy", ["psql", "-X", "-q", "-d", database]
        script = f"DROP TABLE IF EXISTS people;\n{table};\n\\copy people FROM '{people}' CSV HEADER\nDROP TABLE people;\n"
    if not shutil.which(command[0]):
        return None
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process.stdin.write(script.encode())
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{name} failed")
    return (time.monotonic() - began, usage.ru_utime + usage.ru_stime), name


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--program", default="target/release/crieur")
    parser.add_argument("--database", default="sqlite:var/crieur.db")
    parser.add_argument("--deliver", action="store_true")
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="crieur-million-")
    program = os.path.abspath(options.program)
    port, sink = free_port(), None
    try:
        for path in ("config/newsletters", "posts"):
            os.makedirs(os.path.join(folder, path))
        with open(f"{folder}/config/crieur.yaml", "w") as f:
            f.write(
                "site:\n  url: https://www.example.org/\n  title: Le site\n  language: fr\n  time_zone: Europe/Paris\n"
                "content:\n  paths: [posts]\n"
                f"mail:\n  transport: smtp://127.0.0.1:{port}\n  tls: none\n  connections: {options.connections}\n"
                f"database: {options.database}\n"
            )
        with open(f"{folder}/config/newsletters/news.yaml", "w") as f:
            f.write(
                "title: La lettre\nfrom: lettre@example.org\nto: recipients\nleave: mailto:partir@example.org\n"
                "schedule: manual\nbacklog: announce\n"
            )
        with open(f"{folder}/posts/un.md", "w") as f:
            f.write("---\ntitle: Un\ndate: 2026-02-01\n---\nDu nouveau.\n")
        people = f"{folder}/people.csv"
        with open(people, "w") as f:
            f.write("email,name,city\n")
            for n in range(options.people):
                # In no order, as lists are that people joined over the years.
                k = (n * 7_368_787) % 10_000_019
                f.write(f"prenom.nom{k}@example.org,Prénom Nom {k},Ville {k % 997}\n")
        # Without the database server's own CPU time.
        rate = lambda took: f"{took[0]:.1f} s, CPU {took[1]:.1f} s, {options.people / took[0]:,.0f}/s"
        beside = peer(folder, options.database, people)
        if beside:
            print(f"{beside[1]}: {rate(beside[0])}", flush=True)
        for name in ("import", "import again"):
            seconds, memory, taken = run(program, folder, "recipients", "import", people)
            assert taken["added" if name == "import" else "unchanged"] == options.people, taken
            ratio = f", {seconds[0] / beside[0][0]:.1f} times {beside[1]}" if beside else ""
            print(f"{name}: {rate(seconds)}, {memory:.0f} MB{ratio}", flush=True)
        seconds, memory, sent = run(program, folder, "send", expect=(0, 1))
        edition = sent["editions"][0]
        assert edition["eligible"] == edition["pending"] == options.people, edition
        print(f"freeze: {rate(seconds)}, {memory:.0f} MB", flush=True)
        if options.deliver:
            sink = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"])
            time.sleep(0.5)
            seconds, memory, sent = run(program, folder, "worker", "--until-done", expect=(0, 1))
            edition = sent["editions"][0]
            assert edition["accepted"] == options.people, edition
            print(f"deliver: {rate(seconds)}, {memory:.0f} MB", flush=True)
    finally:
        if sink:
            sink.terminate()
        shutil.rmtree(folder)


main()
