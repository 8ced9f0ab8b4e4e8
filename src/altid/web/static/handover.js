// On the hand-over list: what this browser holds of the one who is logged on, patient by patient. It is shown and
// printed with the rest, and stays where it is.

import { all, events, isPossible, kept } from "./outbox.js";
import { open } from "./sealed.js";
import { element, moment, say } from "./saying.js";

const AGAIN_MS = 3_000; // between tries to open, while no server answers
const ORDER = ["waiting", "refused", "staged", "typed"]; // the most urgent first

const place = document.getElementById("held-here");
document.getElementById("print-handover").addEventListener("click", () => globalThis.print());

async function show() {
  const entries = [...(await all()), ...(await kept())].filter((one) => ORDER.includes(one.state));
  const names = [...new Set(entries.map((one) => one.label).filter(Boolean))].sort();
  place.replaceChildren(...(names.length ? names.map((name) => patient(name, entries)) : [element("p", { class: "empty" }, say("handing.here.none"))]));
}

function patient(name, entries) {
  const own = ORDER.flatMap((state) => entries.filter((one) => one.label === name && one.state === state));
  return element("article", { class: "handed" }, element("h3", {}, name), element("ul", { class: "open-orders" }, own.map(item)));
}

function item(entry) {
  const texts = (entry.says ?? []).map((text) => element("div", { class: "says" }, text));
  const why = (entry.refused ?? []).map((one) => element("div", {}, `✕ ${one.text}`));
  const box = element("span", { class: "box", "aria-hidden": "true" });
  return element("li", { class: entry.state }, box, " ", element("b", {}, say(`handing.${entry.state}`)), ` ${moment(entry.at)}`, ...texts, ...why);
}

async function begin() {
  try {
    await open();
    await show();
    events.addEventListener("changed", show);
  } catch {
    setTimeout(begin, AGAIN_MS);
  }
}

if (isPossible) begin();
else place.replaceChildren(element("p", { class: "unavailable" }, say("order.impossible")));
