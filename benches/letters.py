#!/usr/bin/env python3
"""Measures how fast letters leave: crieur, its ledger durable, against Postfix's smtp-source, both into Postfix's smtp-sink.

    cargo build --release
    python3 benches/letters.py                      # every row but the long ones
    python3 benches/letters.py 40kB 1 --quick       # two rows, 3,000 letters each
    python3 benches/letters.py 8kB --rounds 9 --keep # and the project stays, for perf
    python3 benches/letters.py million              # a million people: import, freeze, deliver (minutes)

Rows: 40kB (4 connections), 8kB (4 connections), 16 (8 kB over 16), 1 (40 kB over 1), delay (20 ms until the server answers),
dkim (RSA-2048), workers (PostgreSQL, three `crieur worker`s), million.

Absolute times mean nothing on a shared machine: the sender and its reference run in turn, A B A B …, and what counts are
the medians of the rounds' ratios. The letter is a real one: composed by crieur of as many items as fill it, personal in its
subject and in both parts. It is composed and frozen once; each round begins with a copy of that database, so that what is
timed is `crieur run --stage send` as a whole: the program's start, the ledger, the wire. The reference sends one constant
text of the same size. Everything happens in a temporary folder (`--folder` names another: what counts is its disk).
"""
import argparse, asyncio, collections, csv, http.server, json, multiprocessing, os, pathlib, shutil, signal, socket, statistics, subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOW = "2026-03-01T08:00:00Z"
NAMES = ["Zoé Ablette", "Bao Érable", "Ciprien d’Aulne", "Dène", "", "Élie « Fauvette » Ronce", "Noé <Tilleul>", "Ambre Ô"]
SENTENCE = ("La commune inventée ouvre ses données énergétiques, raconte comment l’équipe a fait, et propose un atelier à "
            "celles et ceux qui veulent s’y mettre. ")
TICK = os.sysconf("SC_CLK_TCK")
Row = collections.namedtuple("Row", "title bytes connections limit")
ROWS = {
    "40kB": Row("40 kB, 4 connections", 40_000, 4, "≥ 1.0"),
    "8kB": Row("8 kB, 4 connections", 8_000, 4, "≥ 0.75"),
    "16": Row("8 kB, 16 connections", 8_000, 16, "≥ 1.2"),
    "1": Row("40 kB, 1 connection", 40_000, 1, "≥ 1.0"),
}
OTHERS = ["delay", "dkim", "workers", "million"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port, what):
    deadline = time.time() + 10
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.time() > deadline:
                sys.exit(f"{what} does not listen")
            time.sleep(0.02)


def program(name):
    for folder in ["/usr/sbin", *os.environ["PATH"].split(":")]:
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    sys.exit(f"{name} is not installed (Debian: postfix)")


class Sink:
    """Postfix's receiver, which takes every letter and keeps none."""

    def __init__(self):
        self.port = free_port()
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        command = [program("smtp-sink"), *user, "-c", f"127.0.0.1:{self.port}", "1000"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port, "smtp-sink")

    def cpu(self):
        return cpu_of(self.process.pid)

    def stop(self):
        self.process.kill()
        self.process.wait()


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


class WayOut(http.server.BaseHTTPRequestHandler):
    """The page where people leave: it must answer, or no letter goes."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


WAY_OUT = http.server.ThreadingHTTPServer(("127.0.0.1", 0), WayOut)


class Project:
    """A newsletter whose next edition is frozen for so many people, in a letter of about so many bytes."""

    def __init__(self, folder, crieur, people, size, mail="", database=None):
        self.folder, self.crieur, self.people = folder, crieur, people
        shutil.rmtree(folder, ignore_errors=True)
        self.mail, self.database = mail, database
        self.configure(9, 1)
        write(folder / "config/newsletters/news.yaml",
              "title: La lettre\nfrom: La rédaction <lettre@example.org>\nlist_id: news.example.org\nto: recipients\n"
              "leave: web\nschedule: each-run\nbacklog: announce\napprove: yes\nmax_items: 1000\nsurge: 1000\nonline: off\nimages: none\n"
              "subject: \"{{recipient.name}}, voici la lettre n° {{edition.number}}\"\n")
        self.fill(size)
        self.import_people()
        self.run("run", "--stage", "send")
        if self.said:
            print(self.said, file=sys.stderr)
        self.run("approve", "news", "1")
        self.kept = folder / "kept"
        if not database:
            shutil.copytree(folder / "var", self.kept)

    def configure(self, port, connections):
        database = f"database: {self.database}\n" if self.database else ""
        write(self.folder / "config/crieur.yaml",
              "site: { url: https://www.example.org/, title: Le site, language: fr, time_zone: Europe/Paris }\n"
              "content: { paths: [posts], permalink: '/posts/{stem}/' }\n"
              f"mail: {{ transport: 'smtp://127.0.0.1:{port}', tls: none, connections: {connections}, "
              f"bounces_to: bounces@example.org{self.mail} }}\n"
              f"web: {{ url: 'http://127.0.0.1:{WAY_OUT.server_port}/' }}\n{database}")

    def command(self, *arguments):
        return [str(self.crieur), "-C", str(self.folder), "-q", "--now", NOW, *arguments]

    def run(self, *arguments):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True)
        if done.returncode not in (0, 1):
            sys.exit(f"crieur {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        self.said = done.stderr
        return done.stdout

    def fill(self, size):
        """As many items, then as long a summary, as make a letter of that size."""
        def items(count, last):
            shutil.rmtree(self.folder / "posts", ignore_errors=True)
            for number in range(count):
                summary = (SENTENCE * 20)[:last if number == count - 1 else 290].strip()
                write(self.folder / f"posts/item-{number:03}.md",
                      f"---\ntitle: \"Nouvelle n° {number} : l’été des données\"\ndate: 2026-02-01\n"
                      f"description: \"{summary}\"\n---\nUn texte.\n")
            printed = json.loads(self.run("--json", "digest", "news"))
            return printed["editions"][0]["letter_bytes"]

        one, two = items(1, 290), items(2, 290)
        each = two - one
        count = max(1, 1 + (size - one) // each)
        self.bytes = items(count, 290)
        # What is left goes into the last one's summary, which stands in both parts.
        last = 290
        for _ in range(2):
            last = max(40, min(3000, last + int((size - self.bytes) / 2.4)))
            self.bytes = items(count, last)

    def import_people(self):
        path = self.folder / "people.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            people = csv.writer(file)
            people.writerow(["email", "name"])
            people.writerows([f"personne.{number}@example.org", NAMES[number % len(NAMES)]] for number in range(self.people))
        self.imported = measured(self.command("recipients", "import", str(path)))

    def restore(self):
        """Everything pending again, and on the disk before the clock starts."""
        shutil.rmtree(self.folder / "var")
        shutil.copytree(self.kept, self.folder / "var")
        for path in filter(pathlib.Path.is_file, (self.folder / "var").iterdir()):
            with open(path, "rb") as file:
                os.fsync(file.fileno())

    def check(self):
        """Nobody missed: a rate counts for nothing otherwise."""
        edition = json.loads(self.run("--json", "status"))["editions"][0]
        if edition["state"] != "done" or edition["accepted"] != self.people:
            sys.exit(f"not delivered: {edition}")


Measured = collections.namedtuple("Measured", "wall cpu memory")


def measured(command):
    """Wall and CPU seconds, and the peak of its memory in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}\n{said.decode()}")
    return Measured(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def reference(port, connections, letters, size):
    return [program("smtp-source"), "-d", "-s", connections, "-m", letters, "-l", size,
            "-f", "lettre@example.org", "-t", "personne@example.org", f"127.0.0.1:{port}"]


def median(values):
    return statistics.median(values)


def fdatasync_time(folder):
    """The median of 200: a page appended, and on the disk; in microseconds."""
    path, times = folder / "fdatasync", []
    with open(path, "wb", buffering=0) as file:
        for _ in range(200):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    path.unlink()
    return median(times) * 1e6


def compare(name, row, project, arguments, sink, table):
    """A row of the table: crieur and smtp-source in turn."""
    project.configure(sink.port, row.connections)
    ours, theirs = [], []
    for number in range(arguments.rounds + 1):
        project.restore()
        before = sink.cpu()
        one = measured(project.command("run", "--stage", "send"))
        between = sink.cpu()
        project.check()
        other = measured(reference(sink.port, row.connections, project.people, project.bytes))
        # The first round only warms the caches.
        if number:
            ours.append((one, between - before))
            theirs.append((other, sink.cpu() - between))
    letters = project.people
    rate = lambda runs: median(letters / run.wall for run, _ in runs)
    cpu = lambda runs: median(run.cpu / letters * 1e6 for run, _ in runs)
    at_sink = lambda runs: median(cpu / letters * 1e6 for _, cpu in runs)
    ratios = [other.wall / one.wall for (one, _), (other, _) in zip(ours, theirs)]
    table.append([row.title, f"{project.bytes}", f"{rate(ours):.0f}", f"{rate(theirs):.0f}",
                  f"**{median(ratios):.2f}** ({min(ratios):.2f}..{max(ratios):.2f})", row.limit,
                  f"{cpu(ours):.0f} / {cpu(theirs):.0f}", f"{at_sink(ours):.0f} / {at_sink(theirs):.0f}",
                  f"{median(run.memory for run, _ in ours):.0f}"])
    print(f"{name}: {median(ratios):.2f} of smtp-source's rate ({row.limit})", file=sys.stderr, flush=True)


def slow_proxy(port, target, delay):
    """Hands everything on at once from client to server, and from server to client `delay` seconds after it came: each piece
    has its own moment, so that nothing is throttled."""
    async def serve(client_reader, client_writer):
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", target, limit=1 << 22)
        loop = asyncio.get_running_loop()
        for writer in (client_writer, server_writer):
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        async def forth():
            while data := await client_reader.read(1 << 20):
                server_writer.write(data)
                await server_writer.drain()
            server_writer.write_eof()

        async def back():
            while data := await server_reader.read(1 << 16):
                loop.call_later(delay, client_writer.write, data)
            loop.call_later(delay, client_writer.close)

        await asyncio.gather(forth(), back(), return_exceptions=True)

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", port, limit=1 << 22)
        async with server:
            await server.serve_forever()

    asyncio.run(main())


def answer_time(port):
    """How long a NOOP takes, the median of 50, in seconds; and how long ten in one write: no longer, if nothing is throttled."""
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = stream.makefile("rb")
        lines.readline()

        def ask(count):
            started = time.perf_counter()
            stream.sendall(b"NOOP\r\n" * count)
            for _ in range(count):
                lines.readline()
            return time.perf_counter() - started

        return median(ask(1) for _ in range(50)), median(ask(10) for _ in range(20))


def delay_row(arguments, folder, sink):
    """Answer times a letter and connection behind a server that answers after 20 ms."""
    letters = min(arguments.letters, 600 if arguments.quick else 2000)
    port = free_port()
    proxy = multiprocessing.Process(target=slow_proxy, args=(port, sink.port, 0.02), daemon=True)
    proxy.start()
    wait_for(port, "the slow proxy")
    one, ten = answer_time(port)
    lines = []
    for size in (40_000, 8_000):
        project = Project(folder / f"delay-{size}", arguments.crieur, letters, size)
        for connections in (4,):
            project.configure(port, connections)
            walls = []
            for _ in range(3):
                project.restore()
                walls.append(measured(project.command("run", "--stage", "send")).wall)
                project.check()
            times = median(walls) * connections / letters / one
            lines.append([f"{size // 1000} kB, {connections} connections, {letters} letters", f"{one * 1e3:.1f} ms ({ten * 1e3:.1f} for ten at once)",
                          f"{letters / median(walls):.0f}", f"**{times:.2f}**", "≤ 1.1"])
    proxy.terminate()
    show(["answers after 20 ms", "an answer takes", "letters/s", "answer times a letter and connection", "limit"], lines)


def signatures_a_second():
    """What OpenSSL signs with RSA-2048 on one core, a second."""
    done = subprocess.run(["openssl", "speed", "-mr", "-seconds", "2", "rsa2048"], capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("+F2:"):
            # Since OpenSSL 3 a rate, before it the seconds of one.
            told = float(line.split(":")[3])
            return told if told > 1 else 1 / told
    return None


def dkim_row(arguments, folder, sink):
    """With a signature of RSA-2048, against what the signing alone costs."""
    letters = min(arguments.letters, 1500 if arguments.quick else 10_000)
    key = folder / "dkim.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(key)], check=True, capture_output=True)
    key.chmod(0o600)
    mail = f", dkim: {{ domain: example.org, selector: c1, key: '{key}' }}"
    lines = []
    for size in (40_000, 8_000):
        project = Project(folder / f"dkim-{size}", arguments.crieur, letters, size, mail)
        project.configure(sink.port, 4)
        ours, alone = [], []
        for _ in range(arguments.rounds):
            alone.append(float(subprocess.check_output([arguments.signer])) if arguments.signer else signatures_a_second())
            project.restore()
            ours.append(measured(project.command("run", "--stage", "send")))
            project.check()
        ratio = median(letters / one.wall / rate for one, rate in zip(ours, alone))
        lines.append([f"{size // 1000} kB, 4 connections", f"{median(letters / one.wall for one in ours):.0f}", f"{median(alone):.0f}",
                      f"**{ratio:.2f}**", "≥ 0.7", f"{median(one.cpu / letters * 1e6 for one in ours):.0f}"])
    by = "the library's" if arguments.signer else "OpenSSL's"
    show(["DKIM, RSA-2048", "letters/s", f"{by} signatures/s on one core", "ratio", "limit", "CPU µs a letter"], lines)


class Postgres:
    """A PostgreSQL of its own, with the settings that it comes with."""

    def __init__(self, folder):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        self.bin = found[-1].parent if found else pathlib.Path(shutil.which("initdb") or sys.exit("PostgreSQL is not installed")).parent
        self.folder, self.port = folder / "postgres", free_port()
        self.folder.mkdir()
        self.as_other = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self.as_other:
            shutil.chown(self.folder, "postgres")
            for parent in [folder, *folder.parents]:
                if not os.stat(parent).st_mode & 0o001:
                    parent.chmod(os.stat(parent).st_mode | 0o011)
        self.call("initdb", "-D", str(self.folder / "data"), "-U", "crieur", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        self.call("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"),
                  "-o", f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}", "start")

    def call(self, name, *arguments):
        done = subprocess.run([*self.as_other, str(self.bin / name), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/")
        if done.returncode:
            sys.exit(f"{name}: {done.stderr.decode()}")

    def sql(self, database, text):
        return subprocess.check_output(["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "crieur", "-d", database, "-Atqc", text], text=True)

    def url(self, database):
        return f"postgres://crieur@127.0.0.1:{self.port}/{database}"

    def stop(self):
        self.call("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")


def workers_row(arguments, folder, sink):
    """Three workers on one PostgreSQL, together, against SQLite's single rate."""
    letters, size = arguments.letters, 8_000
    single = Project(folder / "single", arguments.crieur, letters, size)
    single.configure(sink.port, 4)
    server = Postgres(folder)
    try:
        server.sql("postgres", "CREATE DATABASE frozen")
        shared = Project(folder / "shared", arguments.crieur, letters, size, database=server.url("frozen"))
        alone, together, cpu, twice = [], [], [], 0
        for number in range(arguments.rounds):
            single.restore()
            alone.append(measured(single.command("run", "--stage", "send")).wall)
            single.check()
            server.sql("postgres", f"CREATE DATABASE round{number} TEMPLATE frozen")
            shared.database = server.url(f"round{number}")
            shared.configure(sink.port, 4)
            server.sql(f"round{number}", "CHECKPOINT")
            started, before = time.perf_counter(), os.times()
            running = [subprocess.Popen(shared.command("worker", "--until-done"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(3)]
            ended = [process.communicate()[1] for process in running]
            together.append(time.perf_counter() - started)
            after = os.times()
            cpu.append((after.children_user + after.children_system - before.children_user - before.children_system) / letters * 1e6)
            for process, said in zip(running, ended):
                if process.returncode:
                    sys.exit(f"a worker ended with {process.returncode}: {said.decode()}")
            shared.check()
            twice += int(server.sql(f"round{number}", "SELECT COUNT(*) FROM deliveries WHERE attempts <> 1"))
        ratio = median(one / other for one, other in zip(alone, together))
        show(["PostgreSQL, three workers, 8 kB, 4 connections each", "letters/s", "SQLite, one process", "ratio", "limit", "tried twice", "CPU µs a letter"],
             [["", f"{letters / median(together):.0f}", f"{letters / median(alone):.0f}", f"**{ratio:.2f}**", "≥ 0.5", str(twice), f"{median(cpu):.0f}"]])
    finally:
        server.stop()


def million_row(arguments, folder, sink):
    """A million people from a CSV file into the database, frozen, and delivered: rates, and the peaks of memory."""
    people = 50_000 if arguments.quick else 1_000_000
    # One that has its letter, and begins anew with everybody.
    project = Project(folder / "million", arguments.crieur, 1, 8_000)
    shutil.rmtree(project.folder / "var")
    project.people = people
    project.configure(sink.port, 4)
    project.import_people()
    frozen = measured(project.command("run", "--stage", "send"))
    project.run("approve", "news", "1")
    sent = measured(project.command("run", "--stage", "send"))
    project.check()
    line = lambda what, one, limit: [what, f"{one.wall:.1f}", f"{people / one.wall:.0f}", limit, f"{one.memory:.0f}", "< 96"]
    show([f"{people} people", "s", "people/s", "limit", "peak MiB", "limit"],
         [line("import", project.imported, "≥ 100,000"), line("freeze", frozen, ""), line("deliver, 8 kB, 4 connections", sent, "")])


def show(header, lines):
    print("| " + " | ".join(header) + " |\n|" + " --- |" * len(header))
    for line in lines:
        print("| " + " | ".join(line) + " |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, *OTHERS, []], help="default: all but million")
    parser.add_argument("--letters", type=int, help="default: 20,000")
    parser.add_argument("--rounds", type=int, help="default: 5")
    parser.add_argument("--quick", action="store_true", help="3,000 letters, three rounds")
    parser.add_argument("--crieur", type=pathlib.Path, default=ROOT / "target/release/crieur")
    parser.add_argument("--signer", help="a program that prints how many RSA-2048 signatures a second one core makes (default: openssl speed)")
    parser.add_argument("--folder", type=pathlib.Path, help="where the projects are made")
    parser.add_argument("--keep", action="store_true", help="leave the projects there")
    arguments = parser.parse_args()
    arguments.letters = arguments.letters or (3000 if arguments.quick else 20_000)
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    rows = arguments.rows or [*ROWS, "delay", "dkim", "workers"]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="crieur-letters", dir=arguments.folder))
    # Ended from outside, it still takes its receiver and its folder away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sink = Sink()
    threading.Thread(target=WAY_OUT.serve_forever, daemon=True).start()
    try:
        print(f"fdatasync of 4 kB: {fdatasync_time(folder):.0f} µs (median of 200); {os.cpu_count()} cores; "
              f"load {os.getloadavg()[0]:.1f}; {arguments.letters} letters, {arguments.rounds} rounds\n", flush=True)
        table, projects = [], {}
        for name in rows:
            if row := ROWS.get(name):
                if row.bytes not in projects:
                    projects[row.bytes] = Project(folder / f"letter-{row.bytes}", arguments.crieur, arguments.letters, row.bytes)
                compare(name, row, projects[row.bytes], arguments, sink, table)
        if table:
            show(["personal letters, SQLite", "bytes", "letters/s", "smtp-source", "ratio", "limit", "CPU µs a letter: ours / its",
                  "receiver's CPU: ours / its", "peak MiB"], table)
        for name in rows:
            if name in OTHERS:
                globals()[f"{name}_row"](arguments, folder, sink)
        print(f"fdatasync of 4 kB afterwards: {fdatasync_time(folder):.0f} µs; load {os.getloadavg()[0]:.1f}")
    finally:
        sink.stop()
        if arguments.keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
