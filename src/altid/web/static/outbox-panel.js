// On every page of somebody who is logged on: which site answers, what waits for its receipt, and, before one
// logs off, what is unconfirmed.

import "./keeping.js";
import "./gone.js";
import { all, clear, deliver, events, isPossible, keysOf, tellOperations } from "./outbox.js";
import { open } from "./sealed.js";
import { element, moment, say } from "./saying.js";
import { events as sites, shown, start } from "./swing.js";

const LOUD_MS = 30_000; // then it is said loudly: three times what a failover takes
const COUNT_MS = 1_000;
const TRY_MS = 3_000; // between tries to open, while no server answers

const panel = document.getElementById("outbox");
const sign = document.getElementById("site-sign");
let entries = [];
let isOver = false;
let wasLoud = false;

sites.addEventListener("site", showSite);
sites.addEventListener("ended", () => {
  isOver = true;
  show();
});
events.addEventListener("changed", refresh);
setInterval(() => {
  if (isLoud() === wasLoud) return;
  show();
  deliver(); // and told to operations
}, COUNT_MS);
begin();

async function begin() {
  try {
    if (!isPossible) return void (await start());
    await open();
    await refresh();
    await deliver();
  } catch {
    if (!isOver) setTimeout(begin, TRY_MS);
    if (!shown.name) showSite();
  }
}

async function refresh() {
  entries = await all();
  show();
}

function showSite() {
  const { name, home, durability } = shown;
  const swung = name && home && name !== home;
  const parts = name ? [say(swung ? "site.other" : "site.this", { name, home })] : [say("site.none")];
  if (name && durability) parts.push(say(`safe.${durability}`));
  const lookup = panel.dataset.lookup;
  const link = { href: lookup, target: "_blank", rel: "noopener" };
  sign.replaceChildren(parts.join(" · "), ...(name || !lookup ? [] : [" ", element("a", link, say("site.lookup"))]));
  sign.className = `site-sign${!name ? " gone" : swung || durability === "one-site" ? " alone" : ""}`;
}

const waiting = () => entries.filter((one) => one.state === "waiting");
const staged = () => entries.filter((one) => one.state === "staged");
// What has its own list on this page is not told twice.
const stagedElsewhere = () =>
  staged().filter((one) => one.patient !== document.getElementById("ordering")?.dataset.patient);
const known = () => entries.filter((one) => one.state === "known");
// What is refused in sight of the form that it was sent from, is told there.
const isInSight = (one) => document.querySelector(`form[data-sent="${one.key}"]`) !== null;
const refused = () => entries.filter((one) => one.state === "refused" && !isInSight(one));
const isLoud = () => waiting().some((one) => Date.now() - one.at > LOUD_MS);

function show() {
  const loud = (wasLoud = isLoud());
  panel.hidden = ![waiting(), refused(), stagedElsewhere(), known()].some((some) => some.length);
  panel.className = loud ? "outbox loud" : "outbox";
  panel.replaceChildren(
    ...(loud ? [element("p", { role: "alert", class: "shout" }, say("outbox.loud", { count: waiting().length }))] : []),
    ...(isOver && waiting().length ? [element("p", { class: "shout" }, say("outbox.over"))] : []),
    ...list("outbox.waiting", waiting(), "waiting"),
    ...list("outbox.refused", refused(), "refused"),
    ...list("outbox.staged", stagedElsewhere(), "staged"),
    ...list("outbox.known", known(), "known"),
    element(
      "p",
      { class: "answers" },
      waiting().length ? element("button", { type: "button", click: print }, say("outbox.print")) : null,
      known().length || refused().length ? element("button", { type: "button", class: "clear", click: clear }, say("outbox.clear")) : null,
    ),
  );
}

function list(title, some, kind) {
  if (!some.length) return [];
  const rows = some.map((entry) => element("li", { class: kind, "data-key": entry.key ?? "" }, ...row(entry, kind)));
  return [element("h2", {}, `${say(title)} `, element("span", { class: "count" }, String(some.length))), element("ul", {}, rows)];
}

function row(entry, kind) {
  const texts = entry.says.map((text) => element("div", { class: "says" }, text));
  const who = element("b", {}, entry.label);
  if (kind === "known") return [who, ...entry.titles.map((title) => element("div", {}, title)), ...entry.receipts.map(receipt)];
  if (kind === "refused") return [who, ...texts, ...entry.refused.map((one) => element("div", { class: "shout" }, `✕ ${one.text}`))];
  if (kind === "staged") return [who, ...texts, element("a", { href: `/patient/${entry.patient}/order` }, say("outbox.go"))];
  return [who, ...texts, element("div", { class: "state" }, `${say("outbox.since")} ${moment(entry.at)}`)];
}

function receipt(one) {
  const where = one.durability ? say(`outbox.at.${one.durability}`) : say("outbox.at.server");
  return element("div", { class: "state" }, `✓ ${say("outbox.registered", { at: moment(one.time) })} – ${where}`);
}

// Paper of what waits: on this very page, for no other may be reachable.
function print() {
  const root = document.documentElement;
  const name = document.querySelector(".me b")?.textContent ?? "";
  const paper = element(
    "section",
    { id: "outbox-paper", class: "paper-only" },
    element("h1", {}, say("outbox.paper")),
    element("p", {}, say("outbox.paper.text")),
    element("p", {}, `${name} – ${say("outbox.printed", { at: moment(Date.now()) })}`),
    ...waiting().map((entry) =>
      element(
        "article",
        {},
        element("h2", {}, entry.label),
        ...entry.says.map((text) => element("p", {}, text)),
        element("p", {}, `${say("outbox.since")} ${moment(entry.at)}`),
        element("p", { class: "code" }, keysOf(entry).join(" ")),
      ),
    ),
  );
  document.getElementById("outbox-paper")?.remove();
  document.body.append(paper);
  root.classList.add("prints-outbox");
  addEventListener("afterprint", () => root.classList.remove("prints-outbox"), { once: true });
  globalThis.print();
}

// Whoever goes away is told what is unconfirmed, and operations too.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches('form[action="/logoff"]') || form.dataset.asked) return;
  if (!waiting().length && !staged().length) return leave(form, event);
  event.preventDefault();
  const dialog = element(
    "dialog",
    { class: "handover", "aria-labelledby": "handover-title" },
    element("h2", { id: "handover-title" }, say("handover.title")),
    ...list("outbox.waiting", waiting(), "waiting"),
    ...list("outbox.staged", staged(), "staged"),
    element("p", {}, say("handover.text")),
    element(
      "p",
      { class: "answers" },
      element("button", { type: "button", class: "main", click: () => dialog.close() }, say("handover.stay")),
      waiting().length ? element("button", { type: "button", click: print }, say("outbox.print")) : null,
      element("a", { href: "/handover", class: "button" }, say("handover.list")),
      element(
        "button",
        {
          type: "button",
          click: async () => {
            await tellOperations({ now: true });
            await done(form);
          },
        },
        say("handover.go"),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
});

function leave(form, event) {
  if (!known().length && !refused().length) return;
  event.preventDefault();
  done(form);
}

// Receipts don't lie about for the next one at this PC, sealed or not.
async function done(form) {
  await clear().catch(() => {});
  form.dataset.asked = "yes";
  form.requestSubmit();
}

