// An open page that no site answers any more gives way to the page that the browser keeps (`offline.js`), which
// leads to the lookup record and back: what stands here grows old without saying so. It stays where that would
// take something away that nobody else has: typed text, an order that is not signed or has no receipt.

import { all, isPossible } from "./outbox.js";
import { shown } from "./swing.js";

const GONE_MS = 10_000; // a site that is started again takes less
const COUNT_MS = 1_000;
const FIELDS = "input:not([type=hidden]), textarea, select";

let since = null;

setInterval(async () => {
  since = shown.name ? null : (since ?? Date.now());
  if (!since || Date.now() - since < GONE_MS || !navigator.serviceWorker?.controller) return;
  if (!isTyped() && !(await isHeld())) location.reload();
}, COUNT_MS);

function isTyped() {
  const fields = [...document.querySelectorAll(FIELDS)].filter((field) => !field.closest("form.search"));
  return Boolean(document.querySelector("dialog[open]")) || fields.some(hasChanged);
}

function hasChanged(field) {
  if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
  if (field.localName !== "select") return field.value !== field.defaultValue;
  const made = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(made, 0);
}

async function isHeld() {
  if (!isPossible) return false;
  return (await all().catch(() => [])).some(({ state }) => state === "waiting" || state === "staged");
}
