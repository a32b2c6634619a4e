// Follows the files: swaps what changed in place, so that scrolling, tabs and focus stay, and marks it.
(() => {
  "use strict";
  const body = document.body;

  // Choices outlive a reload.
  const remember = "crieur.choices";
  let choices = {};
  try { choices = JSON.parse(localStorage.getItem(remember) || "{}"); } catch { /* a private window keeps nothing */ }
  const keep = () => { try { localStorage.setItem(remember, JSON.stringify(choices)); } catch { /* as above */ } };
  const restore = () => {
    for (const [name, value] of Object.entries(choices)) {
      const input = document.querySelector(`input[type=radio][name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
      if (input) input.checked = true;
    }
    const address = document.getElementById("address");
    if (address && choices.address && address.value === address.defaultValue) address.value = choices.address;
  };
  restore();
  document.addEventListener("change", event => {
    const input = event.target;
    if (input.type === "radio") { choices[input.name] = input.value; keep(); }
    if (input.id === "address") { choices.address = input.value; keep(); }
  });
  if (!body.dataset.version) return;

  const pulse = document.getElementById("pulse");
  const words = document.getElementById("pulse-words");
  const say = (text, stopped) => { words.textContent = text; pulse.classList.toggle("stopped", Boolean(stopped)); };

  // What the server said of each live part, to tell what changed from what the browser made of it.
  const said = new Map();
  const parts = root => [...root.querySelectorAll("[data-live]")];
  const source = part => part.dataset.key === undefined ? part.innerHTML : part.dataset.key;
  for (const part of parts(document)) said.set(part.id, source(part));

  const swapPage = page => {
    for (const part of parts(page)) {
      const here = document.getElementById(part.id);
      const now = source(part);
      if (!here || said.get(part.id) === now) continue;
      said.set(part.id, now);
      const open = [...here.querySelectorAll("details")].map(details => details.open);
      const focused = here.contains(document.activeElement) ? document.activeElement.id : null;
      const checked = here.querySelector("#anyway")?.checked;
      if (part.dataset.key !== undefined) here.dataset.key = part.dataset.key;
      here.replaceChildren(...[...part.childNodes].map(node => document.adoptNode(node)));
      const details = [...here.querySelectorAll("details")];
      if (details.length === open.length) details.forEach((one, index) => { one.open = open[index]; });
      if (checked && here.querySelector("#anyway")) here.querySelector("#anyway").checked = true;
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    }
    for (const name of ["token", "newsletter", "which", "letter"]) {
      const there = page.querySelector(`#copy input[name=${name}]`);
      const here = document.querySelector(`#copy input[name=${name}]`);
      if (there && here) here.value = there.value;
    }
    document.title = page.title;
    document.documentElement.lang = page.documentElement.lang;
    restore();
  };

  const blocks = "h1,h2,h3,h4,h5,h6,p,li,td,pre,img,article";
  const leaves = doc => [...doc.querySelectorAll(blocks)].filter(block => !block.querySelector(blocks) || block.matches("p,li,h1,h2,h3,h4"));
  const sign = block => block.tagName + (block.getAttribute("src") || "") + block.innerHTML;

  // Puts a new document into a frame without loading it anew; says how many passages differ.
  const swapFrame = (frame, text) => {
    const doc = frame.contentDocument;
    if (!doc || !doc.documentElement || !text) return 0;
    // Parsed by the frame, whose policy lets a letter have styles: the page's own does not.
    const fresh = new frame.contentWindow.DOMParser().parseFromString(text, "text/html");
    const { scrollX, scrollY } = frame.contentWindow;
    const before = new Map();
    for (const block of leaves(doc)) { const key = sign(block); before.set(key, (before.get(key) || 0) + 1); }
    doc.replaceChild(doc.adoptNode(fresh.documentElement), doc.documentElement);
    frame.contentWindow.scrollTo(scrollX, scrollY);
    let changed = 0;
    for (const block of leaves(doc)) {
      const key = sign(block), count = before.get(key) || 0;
      if (count > 0) { before.set(key, count - 1); continue; }
      changed += 1;
      block.style.setProperty("outline", "2px solid #d99a1c");
      block.style.setProperty("outline-offset", "3px");
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
        block.animate([{ outlineColor: "#ffb000", outlineWidth: "4px" }, { outlineColor: "#d99a1c", outlineWidth: "2px" }], 900);
      }
    }
    return changed;
  };

  // Only what was looked at is loaded: the others load when they are.
  const loaded = () => [...document.querySelectorAll("#views iframe")].filter(frame => {
    try { return frame.contentDocument && frame.contentDocument.URL !== "about:blank"; } catch { return false; }
  });
  const get = address => fetch(address, { cache: "no-store" }).then(answer => answer.ok ? answer.text() : "");

  let version = Number(body.dataset.version), busy = false, again = false;
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const frames = loaded();
      const [page, ...texts] = await Promise.all([get(location.href), ...frames.map(frame => get(frame.src))]);
      if (page) swapPage(new DOMParser().parseFromString(page, "text/html"));
      let most = 0;
      frames.forEach((frame, index) => { if (frame.isConnected) most = Math.max(most, swapFrame(frame, texts[index])); });
      const time = new Date().toLocaleTimeString(document.documentElement.lang);
      const template = most === 0 ? body.dataset.updated : most === 1 ? body.dataset.one : body.dataset.other.replace(/(^|[^0-9])2(?=[^0-9]|$)/, `$1${most}`);
      say(template.replace("{time}", time));
    } catch { say(body.dataset.stopped, true); } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  };

  const events = new EventSource("events");
  events.addEventListener("reading", event => {
    const next = event.data;
    if (next !== String(version)) { version = next; refresh(); } else if (pulse.classList.contains("stopped")) refresh();
  });
  events.addEventListener("error", () => say(body.dataset.stopped, true));

  const form = document.getElementById("copy"), told = document.getElementById("told");
  form.addEventListener("submit", async event => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    told.textContent = body.dataset.sending;
    choices.address = form.elements.address.value;
    keep();
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "application/json" } });
      told.textContent = (await answer.json()).told;
    } catch { told.textContent = body.dataset.unreachable; }
    button.disabled = false;
  });
  document.addEventListener("keydown", event => { if (event.key === "Escape" && told.textContent) told.textContent = ""; });
  document.addEventListener("click", event => { if (!form.contains(event.target)) told.textContent = ""; });
})();
