// On the page of a patient's orders, first of all: what this browser has signed for them and no receipt tells of.

import { all, events, isPossible } from "./outbox.js";
import { element, moment, say } from "./saying.js";

const place = document.getElementById("held");

async function show() {
  const mine = (await all()).filter((one) => one.patient === place.dataset.patient);
  const held = mine.filter((one) => one.state === "waiting" || one.state === "refused");
  place.hidden = !held.length;
  place.querySelector("ul").replaceChildren(...held.map(item));
}

function item(entry) {
  const texts = entry.says.map((text) => element("div", { class: "says" }, text));
  const refused = (entry.refused ?? []).map((one) => element("div", { class: "alert" }, `✕ ${one.text}`));
  const since = entry.state === "waiting" ? [element("div", { class: "quiet" }, `${say("outbox.since")} ${moment(entry.at)}`)] : [];
  return element("li", { class: entry.state }, ...texts, ...since, ...refused);
}

if (isPossible) {
  events.addEventListener("changed", show);
  show().catch(() => {}); // without a session nothing can be read; the page's own panel says so
}
