// What is done with the orders that there are: each is read anew at the site that answers, and the act names
// the version that was seen, so that nobody acts upon what a colleague has changed meanwhile.

import { number } from "./dosing.js";
import { confirm, examined, label, page, patient, saysOf } from "./orders.js";
import { events, isPossible, sign } from "./outbox.js";
import { day, element, moment, say } from "./saying.js";
import { ask } from "./swing.js";

const ALLOWED = JSON.parse(page.dataset.acts); // by type: what this role may do
const FROM = {
  MedicationRequest: {
    change: ["active", "on-hold"],
    pause: ["active"],
    resume: ["on-hold"],
    stop: ["active", "on-hold"],
    renew: ["active", "completed"],
    administer: ["active"],
  },
  ServiceRequest: { accept: ["active"], specimen: ["active"], cancel: ["active"] },
};
const ONGOING = { MedicationRequest: "active,on-hold", ServiceRequest: "active" };
const ORDERS_MAX = 100;
const place = document.getElementById("ongoing");
let reading = 0;

if (isPossible) read();
events.addEventListener("changed", read);

async function read() {
  const mine = (reading += 1);
  const found = [];
  try {
    for (const [type, status] of Object.entries(ONGOING)) {
      if (!ALLOWED[type].length) continue;
      const answer = await ask(`/fhir/${type}?patient=${patient}&status=${status}&_count=${ORDERS_MAX}`);
      if (!answer.ok) throw new Error("not read");
      const bundle = await answer.json();
      found.push(...(bundle.entry ?? []).map((entry) => entry.resource).filter((one) => one.resourceType === type));
    }
  } catch {
    if (mine === reading) place.replaceChildren(element("p", { class: "unavailable" }, say("order.ongoing.unread")));
    return;
  }
  if (mine !== reading) return;
  const rows = found.map(row);
  place.replaceChildren(...(rows.length ? [element("ul", {}, rows)] : [element("p", { class: "empty" }, say("order.ongoing.none"))]));
}

function row(order) {
  const [name, ...texts] = saysOf(order);
  const acts = Object.entries(FROM[order.resourceType])
    .filter(([act, states]) => states.includes(order.status) && ALLOWED[order.resourceType].includes(act))
    .map(([act]) => element("button", { type: "button", "data-act": act, click: () => begin(order, act) }, say(`act.${act}`)));
  return element(
    "li",
    { class: `ongoing ${order.status}`, "data-order": order.id },
    element("div", { class: "says" }, element("b", {}, name), ` – ${say(`state.${order.status}`)}`),
    ...texts.map((text) => element("div", { class: "says" }, text)),
    order.statusReason?.text ? element("div", { class: "quiet" }, order.statusReason.text) : null,
    element("div", { class: "acts" }, acts),
  );
}

// What each act asks for, and what it sends.

const FIELDS = {
  change: (order) => [["dose", doseOf(order)], ["reason-code", order.reasonCode?.[0]?.text ?? ""]],
  pause: () => [["reason", ""]],
  resume: () => [],
  stop: () => [["reason", ""]],
  cancel: () => [["reason", ""]],
  renew: () => [["start", today(), "date"], ["end", "", "date"]],
  administer: (order) => [["dose", doseOf(order)], ["at", local(), "datetime-local"], ["not-given", ""]],
  accept: () => [],
  specimen: () => [],
};
const NEEDED = { pause: ["reason"], stop: ["reason"], cancel: ["reason"], renew: ["start", "end"], change: ["dose"] };

const doseQuantity = (order) => order.dosageInstruction?.[0]?.doseAndRate?.[0]?.doseQuantity ?? null;
const doseOf = (order) => String(doseQuantity(order)?.value ?? "").replace(".", ",");
const today = () => page.dataset.start;
const local = () => {
  const at = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
};

function redosed(order, change) {
  return order.dosageInstruction.map(({ text: _, ...line }) => change(line));
}

const BODIES = {
  change(order, fields) {
    const value = number(fields.dose);
    const changed = redosed(order, (line) => ({
      ...line,
      doseAndRate: [{ ...line.doseAndRate[0], doseQuantity: { ...line.doseAndRate[0].doseQuantity, value } }],
    }));
    return { dosageInstruction: changed, ...(fields["reason-code"] ? { reasonCode: [{ text: fields["reason-code"] }] } : {}) };
  },
  renew(order, fields) {
    const boundsPeriod = { start: fields.start, end: fields.end };
    const renewed = redosed(order, ({ timing = {}, ...line }) => ({
      ...line,
      timing: { repeat: { ...timing.repeat, boundsPeriod } },
    }));
    return { dosageInstruction: renewed };
  },
  administer(order, fields) {
    if (fields["not-given"]) return { status: "not-done", statusReason: [{ text: fields["not-given"] }] };
    const line = order.dosageInstruction?.[0] ?? {};
    const dose = { ...doseQuantity(order), value: number(fields.dose) };
    return {
      effectiveDateTime: new Date(fields.at).toISOString(),
      dosage: { ...(line.text ? { text: line.text } : {}), ...(line.route ? { route: line.route } : {}), dose },
    };
  },
};

function begin(order, act) {
  // Whoever changes a dose of several lines writes a new order: one field would not say which is meant.
  const isOne = order.dosageInstruction?.length === 1 && doseQuantity(order);
  if (act === "change" && order.resourceType === "MedicationRequest" && !isOne) return tooMuch(order);
  const fields = FIELDS[act](order).filter(([name]) => name !== "dose" || isOne);
  const form = element(
    "form",
    { class: "act" },
    ...fields.flatMap(([name, value, type]) => [
      element("label", { for: `act-${name}` }, say(`act.field.${name}`, { unit: doseQuantity(order)?.unit ?? "" })),
      element("input", { id: `act-${name}`, name, value, type: type ?? "text", autocomplete: "off", maxlength: "1000" }),
    ]),
    element("p", { class: "answers" }, element("button", { type: "submit", class: "main" }, say("act.on"))),
  );
  const dialog = element(
    "dialog",
    { class: "acting", "aria-labelledby": "acting-title" },
    element("h2", { id: "acting-title" }, say(`act.${act}`)),
    document.querySelector(".banner .who").cloneNode(true),
    ...saysOf(order).map((text) => element("div", { class: "says" }, text)),
    form,
    element("button", { type: "button", click: () => dialog.close() }, say("order.back")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = Object.fromEntries(new FormData(form));
    const missing = (NEEDED[act] ?? []).filter((name) => form.elements[name] && !typed[name].trim());
    const needsDose = form.elements.dose && !typed["not-given"]?.trim();
    if (needsDose && Number.isNaN(number(typed.dose))) missing.push("dose");
    if (missing.length) {
      form.elements[missing[0]].setAttribute("aria-invalid", "true");
      return form.elements[missing[0]].focus();
    }
    dialog.close();
    signAct(order, act, typed);
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function inWords(name, value) {
  if (name === "at") return moment(value);
  return ["start", "end"].includes(name) ? day(value) : value;
}

function tooMuch(order) {
  confirm([[...saysOf(order), say("act.change.many")]], say("order.back"), async () => "nothing");
}

// After these an order is in force as it stands then, so it is examined as a new one.
const EXAMINED = ["change", "renew", "resume"];

async function standing(order, act, body) {
  if (order.resourceType !== "MedicationRequest" || !EXAMINED.includes(act)) return [];
  const { id, meta: _, requester: __, ...whole } = order;
  const rest = act === "renew" ? unanswered(whole) : whole;
  // It is no double of what it was: the check knows that of what an order renews.
  const priorPrescription = { reference: `MedicationRequest/${id}` };
  try {
    return (await examined({ ...rest, ...body, status: "active", priorPrescription })).findings;
  } catch {
    return []; // the server examines it again when it is signed
  }
}

// A renewed order is a new one: its warnings are answered anew.
function unanswered({ detectedIssue: _, contained = [], ...rest }) {
  const kept = contained.filter((one) => one.resourceType !== "DetectedIssue");
  return kept.length ? { ...rest, contained: kept } : rest;
}

async function signAct(order, act, typed) {
  const extra = BODIES[act]?.(order, typed) ?? {};
  const body = { ...extra, ...(typed.reason ? { reason: typed.reason.trim() } : {}) };
  const details = Object.entries(typed).filter(([, value]) => value.trim());
  const unit = doseQuantity(order)?.unit ?? "";
  const says = [
    `${say(`act.${act}`)}: ${saysOf(order)[0]}`,
    ...saysOf(order).slice(1),
    ...details.map(([name, value]) => `${say(`act.field.${name}`, { unit })}: ${inWords(name, value)}`),
  ];
  const path = `/orders/${order.resourceType}/${order.id}/${act}`;
  const about = { patient, label, kind: order.resourceType, action: act, says, titles: says.slice(0, 1) };
  const signed = (overrides) => {
    const whole = overrides.length ? { ...body, overrides } : body;
    return sign([], { path, body: whole, version: order.meta.versionId }, about);
  };
  confirm([says], say("act.sign", { act: say(`act.${act}`) }), signed, await standing(order, act, body));
}
