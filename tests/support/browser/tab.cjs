// A tab of Chromium on the address that it is given: a line of JSON is a job, a line of JSON is its answer.
// `tests/support/preview.rs` asks. Requests to any other origin than the page's are refused and told.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");

const modules = process.env.CRIEUR_TEST_NODE_MODULES;
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = fs.readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");
const PATIENCE = 20_000;

async function work(page, job, complaints) {
  if (job.value) return page.evaluate(job.value);
  if (job.wait) {
    // Asked from here: the page's policy lets nothing in it evaluate text, Playwright's own waiting included.
    for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; ) {
      // A page that goes while it is asked is asked again.
      if (await page.evaluate(job.wait).catch(() => false)) return true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("it never came true");
  }
  if (job.press) return page.keyboard.press(job.press);
  if (job.type) return page.keyboard.type(job.type);
  if (job.open) return page.goto(job.open, { waitUntil: "load", timeout: PATIENCE }).then(() => true);
  if (job.click) return page.click(job.click, { timeout: PATIENCE });
  if (job.fill) return page.fill(job.fill, job.text, { timeout: PATIENCE });
  if (job.size) return page.setViewportSize(job.size);
  if ("dark" in job) return page.emulateMedia({ colorScheme: job.dark ? "dark" : "light" });
  if (job.reload) return page.reload({ waitUntil: "load", timeout: PATIENCE }).then(() => true);
  if (job.screenshot) return page.screenshot({ path: job.screenshot, fullPage: true }).then(() => true);
  if (job.complaints) return complaints;
  if (job.axe) {
    // By the driver, not by a tag of the page: the page's policy allows its own script alone. What stands in the frames is
    // the letter, which has tests of its own.
    await page.evaluate(axe);
    // A colour on its way to another is nobody's contrast.
    await page.evaluate(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)));
    const found = await page.evaluate(() => globalThis.axe.run(document, { iframes: false, preload: false }));
    return found.violations.map((rule) => ({
      id: rule.id, help: rule.help, nodes: rule.nodes.map((node) => [node.html.slice(0, 200), node.failureSummary]),
    }));
  }
  throw new Error(`no such job: ${JSON.stringify(job)}`);
}

async function main() {
  const address = process.argv[2];
  // A page that is a file may load the files beside it.
  const origin = address.startsWith("file:") ? "file:" : new URL(address).origin;
  const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");
  const browser = await chromium.launch({
    executablePath: process.env.CRIEUR_TEST_CHROMIUM,
    args: ["--disable-quic", "--disable-gpu"],
  });
  let done = false;
  // Nobody answers for a browser that has gone: whoever asks is told, and does not wait.
  browser.on("disconnected", () => {
    if (!done) fail(new Error("Chromium has gone"));
  });
  try {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      locale: "fr-FR",
      javaScriptEnabled: process.env.CRIEUR_TEST_SCRIPTS !== "off",
    });
    const page = await context.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      // A picture that is blocked on purpose is told as one that cannot be loaded.
      if (message.type() === "error" && !message.text().includes("ERR_INVALID_URL")) complaints.push(message.text());
    });
    await context.route("**/*", (route) => {
      const asked = route.request().url();
      if (asked.startsWith(origin + "/") || asked.startsWith("data:")) return route.continue();
      complaints.push(`asked for ${asked}`);
      return route.abort("blockedbyclient");
    });
    await page.goto(address, { waitUntil: "load", timeout: PATIENCE });
    say({ value: null });
    for await (const line of readline.createInterface({ input: process.stdin })) {
      try {
        say({ value: (await work(page, JSON.parse(line), complaints)) ?? null });
      } catch (error) {
        say({ failed: `${line}\n${error.stack ?? error}` });
      }
    }
  } finally {
    done = true;
    await browser.close();
  }
}

function fail(error) {
  process.stdout.write(JSON.stringify({ failed: String(error.stack ?? error) }) + "\n");
  process.exit(1);
}

main().catch(fail);
