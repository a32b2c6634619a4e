// How long from a saved file to the painted page: `node benches/preview.cjs PROGRAM PROJECT FILE [EDITS]`, once a release is built.
//
// PROGRAM serves a copy of PROJECT; FILE (relative to it, an item of its next letter) is edited EDITS times (20), its title
// changed each time, as an editor saves: a file beside it, renamed into its place. The clock starts before the rename and stops in the
// browser, in the second frame after the wide letter says the new title: that is when it is on the screen.
// CRIEUR_NOW sets its clock. Needs playwright-core (CRIEUR_TEST_NODE_MODULES, or target/peers/node_modules) and Chromium (CRIEUR_TEST_CHROMIUM).
"use strict";
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const modules = process.env.CRIEUR_TEST_NODE_MODULES ?? path.join(__dirname, "../target/peers/node_modules");
const { chromium } = require(path.join(modules, "playwright-core"));

async function main() {
  const [program, project, file, edits = "20"] = process.argv.slice(2);
  if (!file) throw new Error("usage: node benches/preview.cjs PROGRAM PROJECT FILE [EDITS]");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "crieur-preview-"));
  fs.cpSync(project, folder, { recursive: true });
  const now = process.env.CRIEUR_NOW ? ["--now", process.env.CRIEUR_NOW] : [];
  const preview = spawn(program, ["-C", folder, ...now, "--json", "--quiet", "preview", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  const url = await new Promise((resolve, reject) => {
    preview.once("exit", () => reject(new Error("the preview ended")));
    preview.stdout.on("data", (data) => {
      told += data;
      try { resolve(JSON.parse(told).url); } catch { /* not all of it yet */ }
    });
  });
  const browser = await chromium.launch({ executablePath: process.env.CRIEUR_TEST_CHROMIUM ?? "/usr/bin/chromium", args: ["--disable-quic", "--disable-gpu"] });
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(url, { waitUntil: "load" });
    // Where a file of the site is broken, the letter is behind a box to tick.
    await page.evaluate(() => document.getElementById("anyway")?.click());
    await page.waitForTimeout(1500);
    const source = path.join(folder, file);
    const text = fs.readFileSync(source, "utf8");
    const times = [];
    for (let edit = 1; edit <= Number(edits); edit += 1) {
      const title = `Titre de l’essai ${edit}`;
      const painted = page.evaluate((wanted) => new Promise((resolve) => {
        const look = () => {
          const letter = document.querySelector(".wide .light-with").contentDocument;
          if (!letter?.body?.textContent.includes(`${wanted}\n`) && ![...letter.querySelectorAll("a, h2, h3")].some((one) => one.textContent.trim() === wanted)) return requestAnimationFrame(look);
          requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now())));
        };
        look();
      }), title);
      await page.waitForTimeout(250);
      fs.writeFileSync(`${source}~`, text.replace(/^title:.*$/m, `title: "${title}"`));
      const before = performance.timeOrigin + performance.now();
      fs.renameSync(`${source}~`, source);
      times.push((await painted) - before);
    }
    times.sort((a, b) => a - b);
    const at = (part) => Math.round(times[Math.min(times.length - 1, Math.floor(times.length * part))]);
    console.log(JSON.stringify({ project, edits: times.length, median_ms: at(0.5), worst_ms: at(1), all_ms: times.map(Math.round) }));
  } finally {
    await browser.close();
    preview.kill();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
