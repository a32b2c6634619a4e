#!/usr/bin/env python3
"""Measures crieur against the limit (reading the files and nothing else) and against Hugo.

    cargo build --release --bin crieur --example limit
    python3 benches/speed.py [--items 10000] [--rounds 9] [--generator SCRIPT] [--skip-hugo] [--sizes 1000,10000,100000]

Absolute times mean nothing on a shared machine: the programs run in turn, A B C A B C …, and what counts are the medians'
ratios, taken round by round. Everything happens under target/speed. `--generator SCRIPT` is called as `SCRIPT DIR N` and
makes the items instead of the few lines below.
"""
import argparse, os, pathlib, random, shutil, statistics, struct, subprocess, sys, time, zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "speed"
WORDS = ("le la les un une des données ouvertes région école élèves atelier médiation numérique énergie publique projet équipe "
         "réunion présentation qualité santé programme culture déjà très après nouvelle lettre semaine cœur l'accès aujourd'hui").split()


def generate(folder, count):
    """Items of about 2 kB each, the same every time: front matter, paragraphs, links, a picture, lists, now and then code."""
    pick = random.Random(7)
    words = lambda least, most: " ".join(pick.choice(WORDS) for _ in range(pick.randint(least, most)))
    sentence = lambda: words(8, 20).capitalize() + pick.choice([".", ".", " !", f" [{words(2, 2)}](../item-{pick.randrange(999):06}/).", f" **{words(2, 2)}**."])
    paragraph = lambda: " ".join(sentence() for _ in range(3))
    for number in range(count):
        year, month, day = 2006 + number * 20 // count, pick.randint(1, 12), pick.randint(1, 28)
        body = [f"# {words(4, 6)}", paragraph(), f"![{words(2, 3)}](./images/photo-{number % 500}.jpg)", f"## {words(3, 5)}", paragraph(),
                "\n".join(f"- {words(4, 9)}" for _ in range(pick.randint(3, 6))), paragraph(), f"> {words(6, 12)}", paragraph()]
        if number % 5 == 0:
            body.append("```\ncode <b>&amp;</b>\n```")
        path = folder / str(year) / f"item-{number:06}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'---\ntitle: "{words(4, 9)}"\ndescription: "{words(10, 20)}"\ndate: {year}-{month:02}-{day:02}T{pick.randrange(24):02}:{pick.randrange(60):02}:{pick.randrange(60):02}Z\n'
                        f"type: news\ntags:\n  - {pick.choice(WORDS)}\n  - {pick.choice(WORDS)}\n---\n\n" + "\n\n".join(body) + "\n", encoding="utf-8")


def corpus(count, generator):
    folder = WORK / f"items-{count}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        if generator:
            subprocess.run([sys.executable, generator, str(part), str(count)], check=True, stdout=subprocess.DEVNULL)
        else:
            generate(part, count)
        part.rename(folder)
    return folder


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def crieur_project(name, items, limit, formats):
    project = WORK / name
    shutil.rmtree(project, ignore_errors=True)
    write(project / "config/crieur.yaml", "site: { url: https://www.example.org/, title: Le site, language: fr }\n"
          "content: { paths: [posts], permalink: '/posts/{stem}/' }\nmail: { transport: 'maildir:var/outbox' }\n")
    outputs = {"atom": "feed.xml", "rss": "rss.xml", "json": "feed.json"}
    named = ", ".join(f"{key}: {outputs[key]}" for key in formats)
    write(project / "feeds/news.yaml", f"outputs: {{ {named} }}\nlimit: {limit}\ncontent: full\n")
    (project / "posts").symlink_to(items)
    return project


def hugo_site(name, items, limit):
    site = WORK / name
    shutil.rmtree(site, ignore_errors=True)
    write(site / "config.toml", 'baseURL = "https://www.example.org/"\ntitle = "Le site"\n'
          'disableKinds = ["taxonomy", "term", "section", "sitemap", "robotsTXT", "404"]\n[outputs]\nhome = ["RSS"]\n'
          '[[cascade]]\n[cascade._build]\nrender = "never"\n[cascade._target]\nkind = "page"\n')
    pages = "site.RegularPages" if limit == "all" else f"(first {limit} site.RegularPages)"
    write(site / "layouts/index.rss.xml", '{{ printf "<?xml version=\\"1.0\\" encoding=\\"utf-8\\"?>" | safeHTML }}\n'
          "<rss version=\"2.0\"><channel><title>{{ site.Title }}</title><link>{{ site.BaseURL }}</link><description>x</description>\n"
          f"{{{{ range {pages} }}}}<item><title>{{{{ .Title }}}}</title><link>{{{{ .Permalink }}}}</link><guid>{{{{ .Permalink }}}}</guid>"
          "<pubDate>{{ .Date.Format \"Mon, 02 Jan 2006 15:04:05 -0700\" }}</pubDate>"
          "<description>{{ .Content | html }}</description></item>\n{{ end }}</channel></rss>\n")
    # Hugo does not follow a symbolic link to its content.
    shutil.copytree(items, site / "content/posts")
    return site


def photograph(path, pick):
    """A PNG of 240 × 160 pixels in soft colours: what an item's picture is made from."""
    base = [pick.randrange(256) for _ in range(3)]
    rows = b"".join(b"\0" + bytes((base[at % 3] + row + at // 3) % 256 for at in range(240 * 3)) for row in range(160))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 240, 160, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


NEW = 12


def letter_project(name, items):
    """A project with a letter of the newest twelve, each with a picture of its own."""
    project = crieur_project(name, items, 20, ["rss"])
    (project / "posts").unlink()
    shutil.copytree(items, project / "posts")
    files = sorted((project / "posts").rglob("*.md"))
    pick = random.Random(7)
    for number, path in enumerate(files[-NEW:]):
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if not line.startswith("image:")]
        path.write_text("\n".join(lines[:1] + [f"image: /pictures/{number}.png"] + lines[1:]), encoding="utf-8")
        photograph(project / f"static/pictures/{number}.png", pick)
    write(project / "config/newsletters/letter.yaml", "title: La lettre\nfrom: lettre@example.org\nlist_id: letter.example.org\n"
          f"to: list@example.org\nleave: list\nschedule: manual\nbacklog: announce\nsurge: 100000\nmax_items: {NEW}\n")
    return project


def remember(project, crieur):
    """Lets crieur itself make the database, sending one letter that counts all but the newest as announced."""
    newest = sorted((project / "posts").rglob("*.md"))[-NEW:]
    texts = {path: path.read_text(encoding="utf-8") for path in newest}
    for path in newest:
        path.unlink()
    command = [str(crieur), "-C", str(project), "-q", "--now", "2026-11-23T00:00:00Z"]
    subprocess.run(command + ["send", "letter"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    # What was sent is of no interest here.
    shutil.rmtree(project / "var/outbox", ignore_errors=True)


def run(command):
    started = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def in_turn(rounds, contestants, before=lambda: None):
    """Medians of wall, CPU and peak memory, and the wall time's ratio to the first contestant, round by round."""
    results = {label: [] for label, _ in contestants}
    for number in range(rounds + 1):
        for label, command in contestants:
            before()
            result = run(command)
            if number:  # the first round only warms the caches
                results[label].append(result)
    first = results[contestants[0][0]]
    print("| what | wall s (min..max) | CPU s | peak MiB | wall / first |\n| --- | --- | --- | --- | --- |")
    for label, _ in contestants:
        walls = [result[0] for result in results[label]]
        ratio = statistics.median(own[0] / other[0] for own, other in zip(results[label], first))
        print(f"| {label} | {statistics.median(walls):.3f} ({min(walls):.3f}..{max(walls):.3f}) | "
              f"{statistics.median(result[1] for result in results[label]):.3f} | "
              f"{statistics.median(result[2] for result in results[label]):.0f} | {ratio:.2f} |", flush=True)
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--items", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--generator")
    parser.add_argument("--crieur", default=ROOT / "target/release/crieur")
    parser.add_argument("--limit", default=ROOT / "target/release/examples/limit")
    parser.add_argument("--skip-hugo", action="store_true")
    parser.add_argument("--sizes", default="", help="also newest 20 of each of these, to see the time per item")
    arguments = parser.parse_args()
    items = corpus(arguments.items, arguments.generator)
    hugo = shutil.which("hugo") and not arguments.skip_hugo
    for title, limit, formats in [("newest 20", 20, ["rss"]), ("all, in full", "all", ["atom", "rss", "json"])]:
        project = crieur_project(f"crieur-{limit}", items, limit, formats)
        build = [arguments.crieur, "-C", project, "-q", "--now", "2026-11-24T00:00:00Z", "build"]
        outputs = project / "public"
        contestants = [("R", [arguments.limit, items]), ("crieur", build)]
        if hugo:
            site = hugo_site(f"hugo-{limit}", items, limit)
            contestants.append(("Hugo", ["hugo", "--quiet", "-s", site, "-d", site / "public"]))
        print(f"## {arguments.items} items: {title}\n")
        # A feed that is there already would not be written: everybody starts without.
        in_turn(arguments.rounds, contestants, lambda: shutil.rmtree(outputs, ignore_errors=True))
    print(f"## {arguments.items} items: a letter of the newest {NEW}, pictures converted before\n")
    contestants = [("R", [arguments.limit, items])]
    for name, remembers in [("letter-new", False), ("letter", True)]:
        project = letter_project(name, items)
        if remembers:
            remember(project, arguments.crieur)
        digest = [arguments.crieur, "-C", project, "-q", "--now", "2026-11-24T00:00:00Z", "digest", "letter"]
        contestants.append((f"digest, {'a database' if remembers else 'no database'}", digest))
    in_turn(arguments.rounds, contestants)
    if arguments.sizes:
        print("## newest 20 of more and more\n")
        for size in map(int, arguments.sizes.split(",")):
            items = corpus(size, arguments.generator)
            project = crieur_project(f"crieur-of-{size}", items, 20, ["rss"])
            build = [arguments.crieur, "-C", project, "-q", "--now", "2026-11-24T00:00:00Z", "build"]
            print(f"{size} items\n")
            in_turn(min(arguments.rounds, 5), [("R", [arguments.limit, items]), ("crieur", build)])


if __name__ == "__main__":
    main()
