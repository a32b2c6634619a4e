#!/usr/bin/env python3
"""Measures `crieur serve` against nginx, both serving the same feed to wrk; its memory; and what slow clients cost the others.

    cargo build --release --bin crieur
    python3 benches/web.py                       # every row
    python3 benches/web.py gzip 304 --rounds 9   # or some
    python3 benches/web.py 304 --seconds 30 --keep # and the project stays, for perf

Rows: plain (the feed as it is), gzip, 304 (asked with If-None-Match), memory (a million requests), slow (a thousand slow
clients). Needs nginx and wrk (Debian), and Linux.

Absolute rates mean nothing on a shared machine, where wrk takes its part of the same processors: the two run in turn,
A B A B …, and what counts are the medians of the rounds' ratios. Beside them stands what a request costs each server in
CPU time, which says more on a busy machine. The feed is made by `crieur build` of the sample's posts, as many times as give
it 60 kB; nginx sends the same files with sendfile, packed ahead (gzip -9, `gzip_static`), one worker a processor, no log, and
closes no connection for having served it long. As root both run at `--nice`.
"""
import argparse, asyncio, gzip, http.client, multiprocessing, os, pathlib, random, re, resource, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOW = "2026-11-20T08:00:00Z"
TICK = os.sysconf("SC_CLK_TCK")
FEED = "/feed/feed.xml"
SIZE = 60_000
RATES = ["plain", "gzip", "304"]
OTHERS = ["memory", "slow"]
NGINX = """
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    gzip_static on;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    types {{ application/atom+xml xml; }}
    server {{ listen 127.0.0.1:{port} backlog=4096; root {public}; }}
}}
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def program(name):
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    return found or sys.exit(f"{name} is not installed (Debian: {name}, nginx-light)")


def make_project(folder, crieur, port):
    """The sample, with its posts as many times as give a feed of 60 kB."""
    project = folder / "project"
    project.mkdir(parents=True)
    for part in ["config", "feeds", "sample"]:
        shutil.copytree(ROOT / part, project / part)
    with (project / "config/crieur.yaml").open("a") as file:
        file.write(f"\nweb: {{ listen: 127.0.0.1:{port}, url: 'http://127.0.0.1:{port}/' }}\n")
    feed = project / "feeds" / "bench.yaml"
    for path in (project / "feeds").iterdir():
        path.unlink()
    posts = sorted((project / "sample/posts").rglob("*.md"))
    for number in range(1, 21):
        for post in posts[:4]:
            shutil.copy(post, post.with_name(f"{post.stem}-{number}.md"))
    size = 0
    for limit in range(5, 200):
        feed.write_text(f"title: Les nouvelles de Valexemple\noutputs: {{ atom: {FEED[1:]} }}\nlimit: {limit}\ncontent: full\n")
        done = subprocess.run([crieur, "-C", project, "-q", "--now", NOW, "build"], capture_output=True, text=True)
        if done.returncode > 1 or not (project / f"public{FEED}").exists():
            sys.exit(f"no feed was made:\n{done.stdout}{done.stderr}")
        size = (project / f"public{FEED}").stat().st_size
        if size >= SIZE:
            break
    subprocess.run([crieur, "-C", project, "-q", "recipients", "list"], capture_output=True)
    return project, size


class Crieur:
    name = "crieur"

    def __init__(self, arguments, project, port):
        self.port = port
        command = [*arguments.nicely, arguments.program, "-C", project, "-q", "serve"]
        files = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=files)
        wait_for(port, "crieur serve")

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Nginx:
    name = "nginx"

    def __init__(self, arguments, folder, project):
        self.port = free_port()
        public = folder / "public"
        shutil.copytree(project / "public", public)
        (public / f"{FEED[1:]}.gz").write_bytes(gzip.compress((public / FEED[1:]).read_bytes(), 9))
        # As old as the file, or gzip_static leaves it.
        times = (public / FEED[1:]).stat()
        os.utime(public / f"{FEED[1:]}.gz", (times.st_atime, times.st_mtime))
        for path in [folder, public, *public.rglob("*")]:
            path.chmod(0o755)
        configuration = folder / "nginx.conf"
        user = "user nobody nogroup;" if os.getuid() == 0 else ""
        configuration.write_text(NGINX.format(folder=folder, public=public, port=self.port, user=user))
        command = [*arguments.nicely, program("nginx"), "-c", configuration, "-e", folder / "error.log", "-g", "daemon off;"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port, "nginx")

    def pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def wait_for(port, what):
    deadline = time.time() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.time() > deadline:
                sys.exit(f"{what} does not listen")
            time.sleep(0.05)


def cpu_of(pids):
    """Seconds of CPU time that these processes have taken."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def memory_of(pid):
    """What of a process is in memory, in MB."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def ask(port, headers, path=FEED):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def wrk(arguments, port, headers, seconds, script=None):
    """Requests a second."""
    command = [*arguments.nicely, program("wrk"), f"-t{arguments.threads}", f"-c{arguments.connections}", f"-d{seconds}s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    if script:
        command += ["-s", script]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}{FEED}"], capture_output=True, text=True)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    count = re.search(r"(\d+) requests in", done.stdout)
    # On a busy machine a client of the mixture may give up.
    if not rate or not script and ("Non-2xx" in done.stdout or "Socket errors" in done.stdout):
        sys.exit(f"wrk: {done.stdout}{done.stderr}")
    return float(rate[1]), int(count[1])


def rates(arguments, row, servers, content):
    """Both in turn; the medians, and the median of the rounds' ratios."""
    wanted = {}
    for server in servers:
        headers = {"Accept-Encoding": "gzip"} if row == "gzip" else {}
        if row == "304":
            headers = {"If-None-Match": ask(server.port, {})[0].getheader("ETag")}
        answer, body = ask(server.port, headers)
        if answer.getheader("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        expected = (304, b"") if row == "304" else (200, content)
        if (answer.status, body) != expected or (row == "gzip") != (answer.getheader("Content-Encoding") == "gzip"):
            sys.exit(f"{server.name} answers {row} with {answer.status}, {answer.getheaders()}")
        wanted[server.name] = headers
    results = {server.name: [] for server in servers}
    for number in range(arguments.rounds + 1):
        for server in servers:
            before = cpu_of(server.pids())
            rate, count = wrk(arguments, server.port, wanted[server.name], arguments.seconds)
            if number:  # the first round only warms the caches
                results[server.name].append((rate, (cpu_of(server.pids()) - before) / count * 1e6))
    ours, its = results["crieur"], results["nginx"]
    ratios = [our[0] / their[0] for our, their in zip(ours, its)]
    middle = lambda values, part: statistics.median(value[part] for value in values)
    print(f"| {row} | {middle(ours, 0):,.0f} | {middle(its, 0):,.0f} | {statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} "
          f"| {middle(ours, 1):.1f} / {middle(its, 1):.1f} |", flush=True)


MIXTURE = """
local etag, requests, turn = ETAG, {}, 0
local bigs = string.rep("x", 1000)
function init()
  local path = "/feed/feed.xml"
  requests = {
    wrk.format("GET", path), wrk.format("GET", path, {["Accept-Encoding"]="gzip"}), wrk.format("GET", path, {["Accept-Encoding"]="br"}),
    wrk.format("GET", path, {["If-None-Match"]=etag}), wrk.format("GET", path, {["Range"]="bytes=100-999"}), wrk.format("HEAD", path),
    wrk.format("GET", "/"), wrk.format("GET", "/nothing-" .. bigs), wrk.format("GET", "/leave/nobody"), wrk.format("GET", "/web.css"),
    wrk.format("POST", "/leave/nobody", {["Content-Type"]="application/x-www-form-urlencoded"}, "List-Unsubscribe=One-Click"),
  }
end
function request() turn = turn % #requests + 1; return requests[turn] end
"""


def memory(arguments, folder, crieur):
    """A million requests of all kinds."""
    script = folder / "mixture.lua"
    etag = ask(crieur.port, {})[0].getheader("ETag")
    # HEAD would confuse wrk, which waits for a body.
    script.write_text(MIXTURE.replace("ETAG", "'" + etag + "'").replace('wrk.format("HEAD", path)', 'wrk.format("GET", "/healthz")'))
    pid = crieur.process.pid
    start = memory_of(pid)
    total, seen, marks = 0, [], 0
    print("\n| requests | in memory, MB |\n| --- | --- |", flush=True)
    print(f"| 0 | {start:.1f} |")
    while total < arguments.requests:
        total += wrk(arguments, crieur.port, {}, 2, script)[1]
        seen.append(memory_of(pid))
        if total >= arguments.requests * (marks + 1) // 5 or len(seen) == 1:
            print(f"| {total:,} | {seen[-1]:.1f} |", flush=True)
            marks = total * 5 // arguments.requests
    third = max(1, len(seen) // 3)
    print(f"\nThe last third's median is {statistics.median(seen[-third:]) - statistics.median(seen[:third]):+.1f} MB to the first third's.", flush=True)


async def slow_client(port, kind, until):
    """One that is slow in its way, and comes back at once when it is sent away."""
    while time.time() < until:
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=512)
            if kind == "reader":
                # So small that the answer does not fit.
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                writer.write(f"GET {FEED} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 20)
            elif kind == "header":
                writer.write(f"GET {FEED} HTTP/1.1\r\nHost: x\r\nX-Slow: ".encode())
            elif kind == "body":
                writer.write(b"POST /leave/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            while time.time() < until:
                await asyncio.sleep(0.5 + random.random())
                if kind == "reader":
                    if not await reader.read(100):
                        break
                elif reader.at_eof():
                    break
                elif kind != "idle":
                    writer.write(b"x")
                    await writer.drain()
        except OSError:
            await asyncio.sleep(0.1)
        finally:
            if writer:
                writer.transport.abort()


def slow_clients(port, count, until):
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    kinds = ["header", "reader", "body", "idle"]

    async def all_of_them():
        await asyncio.gather(*(slow_client(port, kinds[number % 4], until) for number in range(count)))

    asyncio.run(all_of_them())


def patient(port, seconds):
    """How long each answer takes to one client that asks 200 times a second, in seconds."""
    request = f"GET {FEED} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    took, end = [], time.perf_counter() + seconds
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        while (began := time.perf_counter()) < end:
            connection.sendall(request)
            got = b""
            while b"\r\n\r\n" not in got:
                got += connection.recv(65536) or sys.exit("the patient client was sent away")
            head, _, body = got.partition(b"\r\n\r\n")
            left = int(re.search(rb"content-length: (\d+)", head.lower())[1]) - len(body)
            while left > 0:
                left -= len(connection.recv(65536))
            took.append(time.perf_counter() - began)
            time.sleep(max(0, 0.005 - took[-1]))
    return took


def connected(pid):
    return sum(os.readlink(file).startswith("socket:") for file in pathlib.Path(f"/proc/{pid}/fd").iterdir())


def slow(arguments, crieur):
    """Another client's p99, without and with a thousand slow ones, in turn."""
    p99 = lambda took: statistics.quantiles(took, n=100)[98] * 1000
    patient(crieur.port, 1)
    ratios, withouts, withs, most = [], [], [], 0
    for _ in range(arguments.rounds):
        without = patient(crieur.port, 5)
        until = time.time() + 15
        crowd = multiprocessing.Process(target=slow_clients, args=(crieur.port, arguments.slow, until))
        crowd.start()
        time.sleep(4)
        most = max(most, connected(crieur.process.pid))
        among = patient(crieur.port, 5)
        crowd.join()
        time.sleep(1)
        withouts.append(p99(without))
        withs.append(p99(among))
        ratios.append(withs[-1] / withouts[-1])
    print(f"\n{arguments.slow} slow clients ({most} sockets open): another client's p99 {statistics.median(withouts):.2f} ms without, "
          f"{statistics.median(withs):.2f} ms with them; ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="plain gzip 304 memory slow")
    parser.add_argument("--program", default=ROOT / "target/release/crieur")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="of one run of wrk")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--requests", type=int, default=1_000_000, help="of the row memory")
    parser.add_argument("--slow", type=int, default=1000, help="slow clients")
    parser.add_argument("--nice", type=int, help="of the servers and wrk (below 0: as root)")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    arguments = parser.parse_args()
    rows = arguments.rows or RATES + OTHERS
    if unknown := set(rows) - {*RATES, *OTHERS}:
        sys.exit(f"no such row: {', '.join(unknown)}")
    arguments.program = pathlib.Path(arguments.program).resolve()
    arguments.nicely = [] if arguments.nice is None else ["nice", "-n", str(arguments.nice)]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="crieur-web-"))
    servers = []
    try:
        port = free_port()
        project, size = make_project(folder, arguments.program, port)
        servers.append(Crieur(arguments, project, port))
        content = (project / f"public{FEED}").read_bytes()
        print(f"{' '.join(sys.argv)}: a feed of {size} bytes, {arguments.connections} connections, {arguments.rounds} rounds of {arguments.seconds} s, "
              f"load {os.getloadavg()[0]:.1f}")
        if set(rows) & set(RATES):
            servers.append(Nginx(arguments, folder, project))
            print("\n| row | crieur, requests/s | nginx | ratio | from, to | CPU µs a request: ours / its |\n| --- | --- | --- | --- | --- | --- |")
            for row in RATES:
                if row in rows:
                    rates(arguments, row, servers, content)
        if "memory" in rows:
            memory(arguments, folder, servers[0])
        if "slow" in rows:
            slow(arguments, servers[0])
    finally:
        for server in servers:
            server.stop()
        if arguments.keep:
            print(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
