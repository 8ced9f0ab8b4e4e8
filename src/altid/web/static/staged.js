// What is on the list for one patient: each with its checks, answered warnings, read back together, signed once.

import { all, drop, events, sign, stage } from "./outbox.js";
import { bodyOf, examined, findingText, placeOf, saysOf } from "./examining.js";
import { readBack } from "./read-back.js";
import { element, say } from "./saying.js";

const AGAIN_MS = 3_000; // a check that nobody answered is asked again

/** Keep `list` as what is staged. `tell` says what was done; `edit` puts an order back into the form. */
export function stagedList({ list, button, patient, label, tell, edit }) {
  const whys = new Map(); // reasons that are being typed, by field
  let staged = [];
  let checked = new Map(); // id of what is staged -> {findings, order}
  let drawn = ""; // what the list shows
  let round = 0; // of checks: an older answer counts no more

  button.addEventListener("click", readAll);
  events.addEventListener("changed", refresh);
  return refresh();

  async function refresh() {
    const signs = () => JSON.stringify(staged.map(({ id, resource, overrides }) => [id, resource, overrides]));
    const before = signs();
    const entries = await all();
    staged = entries.filter((one) => one.state === "staged" && one.patient === patient && one.resource);
    if (!entries.some((one) => one.state === "waiting")) tell("", say("order.signed"));
    show();
    if (signs() !== before) await check();
  }

  async function check() {
    const mine = (round += 1);
    const entries = staged;
    checked = new Map();
    show();
    if (!entries.length) return;
    const said = await examined(entries, patient).catch(() => null);
    if (mine !== round) return;
    if (!said) return void setTimeout(() => mine === round && check(), AGAIN_MS);
    entries.forEach((entry, place) => {
      const own = said.findings.filter((finding) => placeOf(finding) === place);
      checked.set(entry.id, { findings: own, order: said.orders[place] ?? null });
    });
    show();
  }

  // Only when there is something new: whoever types a reason keeps it.
  function show() {
    const now = JSON.stringify([staged, [...checked]]);
    if (now === drawn) return;
    drawn = now;
    list.replaceChildren(...staged.map(card));
    const isOpen = staged.some((entry) => !checked.has(entry.id) || checked.get(entry.id).findings.length);
    button.disabled = !staged.length || isOpen;
    document.getElementById("staged-none").hidden = staged.length > 0;
    document.getElementById("staged-count").textContent = staged.length || "";
  }

  function card(entry) {
    const found = checked.get(entry.id);
    const texts = found?.order ? saysOf(found.order) : entry.says;
    return element(
      "li",
      { class: "staged-order", "data-id": entry.id },
      element("div", { class: "says" }, element("b", {}, texts[0])),
      ...texts.slice(1).map((text) => element("div", { class: "says" }, text)),
      ...(entry.refused ?? []).map((one) => element("p", { class: "finding error" }, `✕ ${say("order.refused")} ${one.text}`)),
      ...entry.overrides.map((one) => element("p", { class: "quiet" }, say("order.overridden", { reason: one.reason }))),
      found ? null : element("p", { class: "quiet" }, say("order.checking")),
      ...(found?.findings ?? []).map((finding) => findingOf(entry, finding)),
      found && !found.findings.length ? element("p", { class: "checked" }, `✓ ${say("order.checked")}`) : null,
      element("button", { type: "button", click: () => drop(entry.id) }, say("order.remove")),
      entry.typed ? element("button", { type: "button", click: () => edit(entry) }, say("order.edit")) : null,
    );
  }

  function findingOf(entry, finding) {
    const text = element("p", {}, findingText(finding));
    if (finding.severity === "error") return element("div", { class: "finding error" }, text);
    const id = `why-${entry.id}-${finding.code}`;
    const why = element("input", { id, maxlength: "1000", autocomplete: "off", value: whys.get(id) ?? "" });
    why.addEventListener("input", () => whys.set(id, why.value));
    const override = async () => {
      const reason = why.value.trim();
      if (!reason) return why.focus();
      const others = entry.overrides.filter((one) => one.code !== finding.code);
      await stage({ ...bare(entry), overrides: [...others, { code: finding.code, reason }] });
    };
    why.addEventListener("keydown", (event) => event.key === "Enter" && override());
    return element(
      "div",
      { class: "finding warning" },
      text,
      element("label", { for: id }, say("order.why-all-the-same")),
      why,
      element("button", { type: "button", click: override }, say("order.all-the-same")),
    );
  }

  // With the patient's identity; one signature for all.
  function readAll() {
    const entries = staged.map((entry) => ({ ...bare(entry), says: saysOf(checked.get(entry.id).order) }));
    const about = {
      patient,
      label,
      kind: "MedicationRequest",
      action: "sign",
      says: entries.flatMap((entry) => entry.says),
      titles: entries.map((entry) => entry.says[0]),
    };
    const signed = async (told) => {
      try {
        const key = await sign(entries, { path: "/orders", body: bodyOf(entries) }, about);
        tell(say(key ? "order.signed" : "order.signed-before"));
        return true;
      } catch {
        told.textContent = say("order.not-kept"); // nothing was written: it can be signed
        return false;
      }
    };
    readBack({ items: entries.map((entry) => entry.says), button: say("order.sign", { count: entries.length }), sign: signed });
  }
}

function bare(entry) {
  const { state: _, ...rest } = entry;
  return rest;
}
