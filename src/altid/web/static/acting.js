// What is done with an order goes by the outbox: it is kept, sealed, before it is sent under its key, and sent
// again until there is a receipt; so a second click, a lost answer, a reload or a server that dies make no
// second act and lose none. What the record refuses stays on the page as it was typed, with what stands against it.

import { changeOf, letGoOf, openDoses, readChange, readOf } from "./changing.js";
import { number } from "./dosing.js";
import { administration } from "./giving.js";
import { all, events, isPossible, letGo, sign } from "./outbox.js";
import { requesterOf } from "./requester.js";
import { element } from "./saying.js";
import { start } from "./swing.js";

const SNOMED = "http://snomed.info/sct";

const page = document.getElementById("acting");
const said = page?.dataset ?? {};
const sent = new Map(); // form -> its key in the outbox; null until it is kept there

// A moment of the form is one of this PC's clock, which wards keep in Danish time; FHIR wants its zone.
function moment(typed) {
  return new Date(typed).toISOString();
}

class UnreadableError extends Error {
  constructor(field = null) {
    super("can't be read");
    this.field = field;
  }
}

function requisition(form) {
  const { what, category, priority, performer, reason, when } = form.elements;
  const known = [...form.querySelectorAll("datalist option")].find((one) => one.value === what.value.trim());
  const { code, system } = known?.dataset ?? {};
  return {
    resourceType: "ServiceRequest",
    status: "active",
    intent: "order",
    priority: priority.value,
    category: [{ coding: [{ system: SNOMED, code: category.value }], text: category.selectedOptions[0].textContent }],
    code: { ...(code ? { coding: [{ system, code, display: what.value.trim() }] } : {}), text: what.value.trim() },
    subject: { reference: `Patient/${said.patient}` },
    requester: requesterOf(said.account),
    performer: [{ reference: performer.value, display: performer.selectedOptions[0].textContent }],
    reasonCode: [{ text: reason.value.trim() }],
    occurrenceDateTime: moment(when.value),
  };
}

function changed(form) {
  const change = changeOf(form);
  if (!change) throw new UnreadableError();
  return change;
}

const BODIES = {
  change: changed,
  renew: (form) => ({ ...changed(form), requester: requesterOf(said.account) }),
  specimen: ({ elements: { taken } }) => (taken.value ? { collection: { collectedDateTime: moment(taken.value) } } : {}),
  result: ({ elements: { conclusion } }) => ({ conclusion: conclusion.value.trim() }),
  administer: (form) => administration(form, (field) => new UnreadableError(field)),
  requisition,
};

function bodyOf(form) {
  const reason = form.dataset.action === "requisition" ? null : form.elements.reason?.value.trim();
  const overrides = [...form.querySelectorAll("[data-override]")]
    .map((field) => ({ code: field.dataset.override, reason: field.value.trim() }))
    .filter((one) => one.reason);
  return {
    ...(BODIES[form.dataset.action] ?? (() => ({})))(form),
    ...(reason ? { reason } : {}),
    ...(overrides.length ? { overrides } : {}),
  };
}

async function submit(event) {
  event.preventDefault();
  const form = event.target;
  if (sent.has(form)) return;
  let body;
  try {
    body = bodyOf(form);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    if (!error.field) return; // it is said there
    tell(form, "alert", said.number);
    return error.field.focus();
  }
  sent.set(form, null);
  if (form.matches(".dosed") && !(await isRead(form, body))) return;
  lock(form, true);
  tell(form, "waits", said.waits);
  const { path, version } = form.dataset;
  try {
    if (!isPossible) throw new Error("nothing can be kept here");
    const { account } = await start();
    if (account !== said.account) return refuse(form, [{ text: said.other }]);
    await forget(form);
    const key = await sign([], { path, body, version }, aboutOf(form));
    form.dataset.sent = key;
    sent.set(form, key);
  } catch {
    return refuse(form, [{ text: said.unkept }]);
  }
  await show();
}

// A change of doses is read back before it is signed; what stands against it is answered first.
async function isRead(form, { overrides }) {
  try {
    const { found, isSigned } = await readChange(form, overrides);
    if (isSigned) return true;
    if (found.length) refuse(form, found);
  } catch {
    refuse(form, [{ text: said.unkept }]);
  }
  sent.delete(form);
  return false;
}

// What is told wherever this act is shown while it waits: all that was typed, by the names of its fields.
function aboutOf(form) {
  const { action, kind, title } = form.dataset;
  const name = `${form.querySelector("button[type=submit]").textContent}: ${title || form.elements.what?.value}`;
  const typed = form.matches(".dosed") ? readOf(form) : fieldsTyped(form);
  return { patient: said.patient, label: said.label, kind, action, says: [name, ...typed], titles: [name] };
}

function fieldsTyped(form) {
  const fields = [...form.elements].filter((one) => one.labels?.length && one.value.trim());
  return fields.map((one) => `${one.labels[0].textContent.trim()}: ${one.selectedOptions?.[0].textContent ?? one.value}`);
}

function lock(form, isLocked) {
  const fields = [...form.elements].filter((one) => one.tagName !== "FIELDSET");
  fields.forEach((one) => (one.disabled = isLocked));
}

// What has become of what was sent from this page.
async function show() {
  const underway = [...sent].filter(([, key]) => key);
  if (!underway.length) return;
  const entries = new Map((await all()).map((one) => [one.key, one]));
  for (const [form, key] of underway) {
    const entry = entries.get(key);
    if (entry?.state === "known") know(form, entry.receipts[0]);
    if (entry?.state === "refused") {
      form.dataset.refused = entry.id;
      refuse(form, entry.refused, entry.status);
    }
  }
}

function know(form, receipt) {
  letGoOf(form);
  const where = { "two-sites": said.both, "one-site": said.one }[receipt.durability] ?? "";
  const clock = { timeZone: "Europe/Copenhagen", hour: "2-digit", minute: "2-digit" };
  const at = new Date(receipt.time).toLocaleTimeString("da", clock).replace(".", ":");
  const place = tell(form, "done", `${said.done.replace("{at}", at)} ${where}`.trim());
  place.append(" ", element("a", { href: `/patient/${said.patient}/orders` }, said.again));
}

// Nothing was registered. What is sent next is another thing, and has another key.
function refuse(form, found, status = 0) {
  sent.delete(form);
  lock(form, false);
  const isChanged = status === 412;
  const place = tell(form, "alert", isChanged ? said.changed : said.refused);
  if (isChanged) return;
  place.append(element("ul", {}, ...found.map((one) => element("li", {}, one.text))));
  for (const { code, text } of found.filter((one) => one.code)) {
    const id = `override-${[...document.forms].indexOf(form)}-${code}`;
    const field = element("input", { id, "data-override": code, maxlength: "1000", required: true });
    const label = found.length === 1 ? said.override : `${said.override} ${text}`;
    place.append(element("label", { for: id }, label), field);
  }
  const isUnseen = status === 409 && !found.some((one) => one.code);
  if (isUnseen) place.append(element("button", { type: "button", click: () => lookAgain(form) }, said.look));
  place.scrollIntoView({ block: "nearest" });
}

// Who looks again, or sends it otherwise, has read why it was refused.
async function lookAgain(form) {
  await forget(form);
  window.location.reload();
}

async function forget(form) {
  const { refused } = form.dataset;
  delete form.dataset.refused;
  if (refused) await letGo(refused);
}

function tell(form, kind, text) {
  const place = form.querySelector(".outcome");
  place.className = `outcome ${kind}`;
  place.setAttribute("role", kind === "alert" ? "alert" : "status");
  place.replaceChildren(element("p", {}, text));
  return place;
}

// What is on the wristband opens the forms of this page; another number closes them again.
function readWristband(event) {
  event.preventDefault();
  const form = event.target;
  const signs = (text) => text.replace(/[^0-9a-z]/gi, "").toLowerCase();
  const { number: expected, right, wrong } = form.dataset;
  const field = form.elements.read;
  const isRight = expected ? signs(field.value) === signs(expected) : field.checked;
  for (const set of document.querySelectorAll("form.give > fieldset")) set.disabled = !isRight;
  tell(form, isRight ? "done" : "alert", isRight ? right : wrong);
  if (!isRight) return field.select?.();
  document.querySelector("form.give button")?.focus();
}

// A requisition is read back in full, with the patient's identity, before it is signed.
function readBack(form) {
  const place = form.querySelector(".read-back");
  if (!place) return;
  const { what, category, priority, performer, reason, when } = form.elements;
  const chosen = (field) => field.selectedOptions[0]?.textContent ?? "";
  const at = when.value ? when.value.replace("T", " ") : "";
  const lines = [place.dataset.who, what.value, chosen(category), chosen(priority), chosen(performer), reason.value, at];
  const items = lines.filter((line) => line.trim()).map((line) => element("li", {}, line));
  place.replaceChildren(element("b", {}, place.dataset.title), element("ul", {}, ...items));
}

function chooseCategory(form) {
  const known = [...form.querySelectorAll("datalist option")].find((one) => one.value === form.elements.what.value.trim());
  const option = known && form.querySelector(`#category option[data-name="${known.dataset.category}"]`);
  if (option) option.selected = true;
}

for (const form of document.querySelectorAll("form.act")) {
  form.addEventListener("submit", submit);
  if (form.matches(".dosed")) openDoses(form, JSON.parse(said.order), said);
  if (form.dataset.action === "requisition") {
    form.elements.what.addEventListener("change", () => chooseCategory(form));
    form.addEventListener("input", () => readBack(form));
    form.addEventListener("change", () => readBack(form));
  }
  if (form.dataset.action === "administer") {
    const button = form.querySelector("button[type=submit]");
    const { amount, not } = form.elements;
    const needsAmount = amount?.required;
    not.addEventListener("change", ({ target }) => {
      if (needsAmount) amount.required = !target.value;
      button.textContent = target.value ? button.dataset.not : button.dataset.given;
    });
  }
}
document.getElementById("wristband")?.addEventListener("submit", readWristband);
events.addEventListener("changed", show);
