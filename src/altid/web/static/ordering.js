// What is done with an order is sent to the record under the key that came with its form, and sent again with
// that key until there is a receipt: a second click, a lost answer or a server that dies make no second act.
// What the record refuses stays on the page as it was typed, with what stands against it.

import { EndedError, ask, start } from "./asking.js";

const AGAIN_MS_MIN = 1_000;
const AGAIN_MS_MAX = 8_000;
const LATE_MS = 20_000; // then the page says it loudly; it goes on sending
const ACCOUNT = "https://altid.dk/fhir/NamingSystem/account";
const SNOMED = "http://snomed.info/sct";

const page = document.getElementById("acting");
const said = page?.dataset ?? {};
const underway = new Set();

/** A number as a Dane types it: `2,5`. NaN for anything else: a dose is never guessed. */
function number(typed) {
  const text = typed.trim().replace(",", ".");
  return /^\d{1,7}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// A moment of the form is one of this PC's clock, which wards keep in Danish time; FHIR wants its zone.
function moment(typed) {
  return new Date(typed).toISOString();
}

// The order's own lines with other amounts, and for how long. Null where an amount can't be read.
function dosage(form) {
  const isNew = form.dataset.action === "renew";
  const end = form.elements.end.value;
  return JSON.parse(said.dosage).map(({ text: _, ...line }, place) => {
    const value = number(form.elements[`dose-${place}`].value);
    if (!(value > 0)) throw new UnreadableError(form.elements[`dose-${place}`]);
    const [amount, ...more] = line.doseAndRate;
    const repeat = { ...line.timing?.repeat };
    if (isNew) repeat.boundsPeriod = { start: today(), end };
    else if (end) repeat.boundsPeriod = { ...repeat.boundsPeriod, end };
    return {
      ...line,
      ...(Object.keys(repeat).length ? { timing: { ...line.timing, repeat } } : {}),
      doseAndRate: [{ ...amount, doseQuantity: { ...amount.doseQuantity, value } }, ...more],
    };
  });
}

const today = () => new Date().toLocaleDateString("sv"); // as FHIR has a date: 2026-11-28

class UnreadableError extends Error {
  constructor(field) {
    super("not a number");
    this.field = field;
  }
}

function administration(form) {
  const { line, amount, not } = form.elements;
  const given = line?.value ? JSON.parse(line.value) : {};
  if (not.value) return { status: "not-done", statusReason: [{ text: not.value }] };
  if (!amount?.value) return { dosage: given };
  const value = number(amount.value);
  if (!(value > 0) || !given.dose) throw new UnreadableError(amount);
  return { dosage: { ...given, dose: { ...given.dose, value } } };
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
    requester: requester(),
    performer: [{ reference: performer.value, display: performer.selectedOptions[0].textContent }],
    reasonCode: [{ text: reason.value.trim() }],
    occurrenceDateTime: moment(when.value),
  };
}

// Who typed it: what is left on a ward's PC is not signed by the next one (docs/orders.md, Who has ordered).
const requester = () => ({ identifier: { system: ACCOUNT, value: said.account } });

const BODIES = {
  change: (form) => ({ dosageInstruction: dosage(form) }),
  renew: (form) => ({ dosageInstruction: dosage(form), requester: requester() }),
  specimen: ({ elements: { taken } }) => (taken.value ? { collection: { collectedDateTime: moment(taken.value) } } : {}),
  result: ({ elements: { conclusion } }) => ({ conclusion: conclusion.value.trim() }),
  administer: administration,
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
  if (underway.has(form) || form.dataset.known) return;
  let body;
  try {
    body = bodyOf(form);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    tell(form, "alert", said.number);
    return error.field.focus();
  }
  underway.add(form);
  const fields = [...form.elements].filter((one) => !one.disabled && one.tagName !== "FIELDSET");
  fields.forEach((one) => (one.disabled = true));
  try {
    const isKnown = await deliver(form, JSON.stringify(body));
    if (!isKnown) fields.forEach((one) => (one.disabled = false));
  } finally {
    underway.delete(form);
  }
}

// Until there is an answer that decides: true where it is registered.
async function deliver(form, body) {
  const began = performance.now();
  let pause_ms = AGAIN_MS_MIN;
  tell(form, "waits", said.waits);
  for (;;) {
    try {
      const { account } = await start();
      if (account !== said.account) return refuse(form, [{ text: said.other }]);
      const answer = await ask(form.dataset.path, { method: "POST", headers: headersOf(form), body });
      const word = answer.headers.get("altid-receipt");
      const told = await answer.json().catch(() => null);
      if (answer.ok && word === "ok" && told) return know(form, told);
      if (word === "fatal-error") return refuse(form, findings(told), answer.status);
      if (performance.now() - began > LATE_MS) late(form);
    } catch (error) {
      if (error instanceof EndedError) ended(form);
      else if (performance.now() - began > LATE_MS) late(form);
    }
    await new Promise((resolve) => setTimeout(resolve, pause_ms * (0.5 + Math.random() / 2)));
    pause_ms = Math.min(AGAIN_MS_MAX, pause_ms * 2);
  }
}

function headersOf(form) {
  const { key, version } = form.dataset;
  return {
    "content-type": "application/json",
    "idempotency-key": key,
    "altid-patient": `Patient/${said.patient}`,
    "accept-language": document.documentElement.lang,
    ...(version ? { "if-match": `W/"${version}"` } : {}),
  };
}

function know(form, receipt) {
  form.dataset.known = "yes";
  const where = { "two-sites": said.both, "one-site": said.one }[receipt.durability] ?? "";
  const at = new Date(receipt.time).toLocaleTimeString("da", { timeZone: "Europe/Copenhagen", hour: "2-digit", minute: "2-digit" });
  const text = said.done.replace("{at}", at.replace(".", ":"));
  const place = tell(form, "done", `${text} ${where}`.trim());
  place.dataset.order = receipt.order;
  const link = element("a", { href: `/patient/${said.patient}/orders` }, said.again);
  place.append(" ", link);
  return true;
}

// Nothing was registered. What is sent next is another thing, so it has another key.
function refuse(form, found, status = 0) {
  form.dataset.key = crypto.randomUUID();
  const place = tell(form, "alert", status === 412 ? said.changed : said.refused);
  place.append(element("ul", {}, ...found.map((one) => element("li", {}, one.text))));
  for (const { code, text } of found.filter((one) => one.code)) {
    const id = `${form.dataset.action}-override-${code}`;
    const field = element("input", { id, "data-override": code, maxlength: "1000", required: "" });
    place.append(element("label", { for: id }, `${said.override} ${text}`), field);
  }
  place.scrollIntoView({ block: "nearest" });
  return false;
}

function findings(outcome) {
  return (outcome?.issue ?? []).map((issue) => ({
    text: issue.details?.text ?? issue.diagnostics ?? "",
    code: issue.details?.coding?.[0]?.code ?? null,
  }));
}

function ended(form) {
  const place = tell(form, "alert", said.ended);
  place.append(" ", element("a", { href: "/logon", target: "_blank", rel: "noopener" }, said.logon));
}

function late(form) {
  const place = tell(form, "alert", said.late);
  const button = element("button", { type: "button" }, said.print);
  button.addEventListener("click", () => window.print());
  place.append(" ", button);
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

window.addEventListener("beforeunload", (event) => {
  if (underway.size) event.preventDefault();
});
