// Looks at pages in Chromium: a line of JSON is a job, a line of JSON is what was seen. `tests/support/browser.rs` asks.
//
// Nothing reaches a network: every request is answered here, from the page's file, from folders that stand for a site's
// addresses, or not at all, and each is recorded.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");

const modules = process.env.CRIEUR_TEST_NODE_MODULES;
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = fs.readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");

// Where the page seems to lie: a host that nobody owns.
const PAGE = "https://webmail.example.org/";
const TYPES = { ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".svg": "image/svg+xml", ".gif": "image/gif" };

// The file that a site serves at an address, if one of its folders has it.
function served(sites, address) {
  const url = new URL(address);
  for (const [site, folders] of Object.entries(sites ?? {})) {
    if (!address.startsWith(site)) continue;
    const below = decodeURIComponent(url.pathname.slice(new URL(site).pathname.length));
    for (const folder of folders) {
      const file = path.join(folder, below);
      if (file.startsWith(path.join(folder, "/")) && fs.existsSync(file) && fs.statSync(file).isFile()) return file;
    }
  }
  return null;
}

// Runs in the page: what stands where.
function geometry() {
  const box = (element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return { x, y: y + scrollY, width, height };
  };
  const shown = (element) => element.checkVisibility({ opacityProperty: true }) && element.getClientRects().length > 0;
  const every = (selector) => [...document.querySelectorAll(selector)];
  const words = (element) => element.innerText.replace(/\s+/g, " ").trim();
  // With its alternative, as a screen reader says it.
  const name = (element) =>
    [words(element), ...[...element.querySelectorAll("img")].map((image) => image.alt)].join(" ").trim();
  const beyond = every("body *").filter((element) => {
    const { right, left, width } = element.getBoundingClientRect();
    return width > 0 && (right > innerWidth + 0.5 || left < -0.5) && shown(element);
  });
  return {
    inner_width: innerWidth,
    scroll_width: document.documentElement.scrollWidth,
    height: document.documentElement.scrollHeight,
    scripts: document.scripts.length,
    headings: every("h1,h2,h3,h4,h5,h6").map((element) => ({ level: Number(element.tagName[1]), text: words(element), ...box(element) })),
    links: every("a[href]").filter(shown).map((element) => ({
      text: name(element), href: element.getAttribute("href"), in_heading: element.closest("h2,h3,h4,h5,h6,li") !== null, ...box(element),
    })),
    images: every("img").map((element) => ({
      src: element.getAttribute("src"), alt: element.getAttribute("alt"), loaded: element.complete && element.naturalWidth > 0,
      declared_height: Number(element.getAttribute("height")) || null, natural_width: element.naturalWidth, ...box(element),
    })),
    beyond: beyond.slice(0, 5).map((element) => `${element.tagName} ${element.className} ${words(element).slice(0, 60)}`),
    // Text whose box cuts it off.
    cut: every("body *").filter((element) => {
      const style = getComputedStyle(element);
      return shown(element) && style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1 && words(element);
    }).map(words),
    small: every("body *").filter((element) => {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      return own && shown(element) && parseFloat(getComputedStyle(element).fontSize) < 14;
    }).map(words),
    text: document.body.innerText,
  };
}

async function look(browser, job) {
  const context = await browser.newContext({
    viewport: { width: job.width, height: job.height ?? 900 },
    deviceScaleFactor: job.scale ?? 1,
    colorScheme: job.dark ? "dark" : "light",
    locale: "fr-FR",
  });
  try {
    let html = job.page ?? fs.readFileSync(job.file, "utf8");
    if (job.banner) {
      const body = /<body[^>]*>/i.exec(html);
      html = html.slice(0, body.index) + body[0] + job.banner + html.slice(body.index + body[0].length);
    }
    const requests = [];
    await context.route("**/*", async (route) => {
      const request = route.request();
      if (request.url() === PAGE) {
        return route.fulfill({ body: html, contentType: "text/html; charset=utf-8" });
      }
      const headers = await request.allHeaders();
      requests.push({ url: request.url(), type: request.resourceType(), method: request.method(), cookie: headers.cookie ?? null });
      const file = served(job.sites, request.url());
      if (!file) return route.abort("blockedbyclient");
      const contentType = TYPES[path.extname(file).toLowerCase()] ?? "application/octet-stream";
      return route.fulfill({ body: fs.readFileSync(file), contentType });
    });
    const page = await context.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(PAGE, { waitUntil: "load", timeout: 20_000 });
    const seen = { geometry: await page.evaluate(geometry), requests, errors, cookies: await context.cookies() };
    if (job.widths) {
      seen.widths = [];
      for (const width of job.widths) {
        await page.setViewportSize({ width, height: job.height ?? 900 });
        const { inner_width, scroll_width, beyond } = await page.evaluate(geometry);
        seen.widths.push({ width, inner_width, scroll_width, beyond });
      }
      await page.setViewportSize({ width: job.width, height: job.height ?? 900 });
    }
    if (job.axe) {
      await page.evaluate(axe);
      const found = await page.evaluate((options) => globalThis.axe.run(document, options), job.axe);
      const told = (list) => list.map((rule) => ({
        id: rule.id, help: rule.help, nodes: rule.nodes.map((node) => ({ html: node.html.slice(0, 300), why: node.failureSummary })),
      }));
      seen.violations = told(found.violations);
      seen.passes = found.passes.map((rule) => rule.id);
    }
    if (job.screenshot) {
      const height = Math.min(seen.geometry.height, job.at_most ?? 20_000);
      await page.screenshot({ path: job.screenshot, fullPage: true, clip: { x: 0, y: 0, width: job.width, height } });
    }
    return seen;
  } finally {
    await context.close();
  }
}

(async () => {
  const browser = await chromium.launch({
    executablePath: process.env.CRIEUR_TEST_CHROMIUM,
    args: ["--disable-quic", "--disable-gpu", "--hide-scrollbars"],
  });
  try {
    for await (const line of readline.createInterface({ input: process.stdin })) {
      let answer;
      try {
        answer = await look(browser, JSON.parse(line));
      } catch (error) {
        answer = { failed: String(error.stack ?? error) };
      }
      process.stdout.write(JSON.stringify(answer) + "\n");
    }
  } finally {
    await browser.close();
  }
})().catch((error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exit(1);
});
