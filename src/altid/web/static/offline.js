// The page that a browser keeps: which site answers is looked for all the time. The page that was asked for is
// shown again as soon as its own site answers. Else the browser goes on at another site, with the session that
// open pages have handed to the worker and with the orders that wait here; and where there is none for a while,
// at the lookup record, which leads back by itself.

import { sendOnce } from "./outbox.js";
import { sealedRows } from "./sealed.js";
import { adopt, ticketAt } from "./swing.js";

const LOOK_MS = 2_000;
const ANSWER_MS_MAX = 1_500;
const OWN_MS = 500; // the page's own site has this head start
const OWN_AGAIN_MS = 200; // and less where it was just found silent
const SEND_MS_MAX = 4_000; // what has no receipt then comes along, sealed
const MOVE_MS = 10_000; // a move that has come to nothing is begun again
const GONE_MS = 5_000; // without any site; then the lookup record is gone to
const WORKER_MS_MAX = 1_000;

const shown = document.getElementById("offline");
const sites = JSON.parse(shown.dataset.sites).filter(({ url }) => new URL(url).origin !== location.origin);
const { lookup } = shown.dataset;
const began = Date.now();

async function answers(url) {
  try {
    const asked = { signal: AbortSignal.timeout(ANSWER_MS_MAX), cache: "no-store" };
    return (await fetch(`${url}/health/readable`, asked)).ok;
  } catch {
    return false;
  }
}

const within = (work, limit_ms) => Promise.race([work, new Promise((resolve) => setTimeout(resolve, limit_ms))]);

async function look() {
  const own = answers("");
  const found = Promise.all(sites.map(async (site) => ((await answers(site.url)) ? site : null)));
  const { isSilent } = await askWorker();
  if (await within(own, isSilent ? OWN_AGAIN_MS : OWN_MS)) return goBack();
  const other = (await found).find(Boolean);
  if (!other && (await own)) return goBack();
  const rows = await sealedRows().catch(() => []);
  show(other, rows.length);
  const isMoving = other && (await move(other).catch(() => false)); // nobody answered in time
  if (!other && !rows.length && Date.now() - began > GONE_MS) await goToLookup();
  setTimeout(look, isMoving ? MOVE_MS : LOOK_MS);
}

/** Say which site answers, if one does, and how many signatures wait here. */
export function show(other, held) {
  for (const part of document.querySelectorAll("[data-looking]")) part.hidden = true;
  document.getElementById("content").classList.toggle("moving", Boolean(other));
  document.getElementById("offline-bar").classList.toggle("gone", !other);
  for (const part of document.querySelectorAll("[data-gone]")) part.hidden = Boolean(other);
  for (const part of document.querySelectorAll("[data-other]")) part.hidden = !other;
  for (const part of document.querySelectorAll("[data-held]")) part.hidden = !held;
  for (const part of document.querySelectorAll(".held-count")) part.textContent = held;
  for (const part of document.querySelectorAll(".site-name")) part.textContent = other?.name ?? "";
}

async function goBack() {
  await askWorker({ isSilent: false });
  location.reload();
}

async function askWorker(message = {}) {
  const worker = navigator.serviceWorker?.controller;
  if (!worker) return {};
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  worker.postMessage({ ...message, asks: true }, [port2]);
  return (await within(answer, WORKER_MS_MAX)) ?? {};
}

// By a form, as nothing else brings the browser there with something that stands in no address.
async function move(other) {
  const { handed } = await askWorker();
  let ticket = null;
  if (handed) {
    adopt(handed);
    await within(sendOnce().catch(() => {}), SEND_MS_MAX);
    ticket = location.pathname === "/logoff" ? null : await ticketAt(other);
  }
  const rows = await sealedRows().catch(() => []);
  const fields = { ticket: ticket ?? "", next: wanted(), language: handed?.language ?? "", rows: JSON.stringify(rows) };
  const form = Object.assign(document.createElement("form"), { method: "post", action: `${other.url}/moved`, hidden: true });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
  return true;
}

function wanted() {
  if (location.pathname.startsWith("/logon")) return new URLSearchParams(location.search).get("next") ?? "/";
  return location.pathname === "/application" ? location.pathname + location.search : location.pathname;
}

// Where the page to come back to stands in no request: what follows "#" stays in the browser.
async function goToLookup() {
  if (!lookup) return;
  const asked = { mode: "no-cors", signal: AbortSignal.timeout(ANSWER_MS_MAX), cache: "no-store" };
  if (!(await fetch(`${lookup}/health/live`, asked).catch(() => null))) return;
  const same = /^\/(patient|ward)\/[A-Za-z0-9.-]+/.exec(location.pathname)?.[0] ?? "/";
  location.replace(`${lookup}${same}#${new URLSearchParams({ back: location.href })}`);
}

// Asked for by its own address it is shown as it is: no page waits behind it.
if (location.pathname === "/offline") show(null, 0);
else look();
