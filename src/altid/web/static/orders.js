// Ordering for one patient: staged with their checks, read back in full, signed once. What is typed or staged
// is kept sealed (`outbox.js`) until it is signed, so neither a reload nor a site that goes away loses it.

import { all, drop, events, isPossible, open, sign, stage } from "./outbox.js";
import { instructions, unreadable } from "./dosing.js";
import { day, element, inWords, say } from "./saying.js";
import { ask } from "./swing.js";

const ACCOUNTS = "https://altid.dk/fhir/NamingSystem/account";
const REVIEW_DATE = "https://altid.dk/fhir/StructureDefinition/review-date";
const TYPING_MS = 250;
const TYPED_MIN = 2;
const FOUND_MAX = 15;
const AGAIN_MS = 3_000; // a check that nobody answered is asked again

const page = document.getElementById("ordering");
const patient = page.dataset.patient;
const label = page.dataset.label;
const form = document.getElementById("medication-form");
const list = document.getElementById("staged");
const signing = document.getElementById("sign-all");
const told = document.getElementById("ordering-told");
let staged = [];
let checked = new Map(); // id of what is staged -> {findings, order}
let drawn = ""; // what the list shows
const whys = new Map(); // reasons that are being typed, by field
let round = 0; // of checks: an older answer counts no more

if (isPossible) begin();
else told.textContent = say("order.impossible");

async function begin() {
  search();
  form.addEventListener("submit", put);
  schedule();
  signing.addEventListener("click", readBack);
  events.addEventListener("changed", refresh);
  await refresh();
}

// What is chosen stands in words, and typing anew takes it away.

function search() {
  const field = form.elements.drug;
  const found = document.getElementById("drug-found");
  let timer = null;
  field.addEventListener("input", () => {
    delete field.dataset.reference;
    clearTimeout(timer);
    timer = setTimeout(look, TYPING_MS);
  });
  async function look() {
    const text = field.value.trim();
    if (text.length < TYPED_MIN) return found.replaceChildren();
    let drugs;
    try {
      const answer = await ask(`/fhir/Medication?code:text=${encodeURIComponent(text)}&_count=${FOUND_MAX}`);
      if (!answer.ok) throw new Error("not found");
      drugs = ((await answer.json()).entry ?? []).map((entry) => entry.resource);
    } catch {
      return found.replaceChildren(element("p", { class: "unsure" }, say("order.search.failed")));
    }
    if (field.value.trim() !== text) return;
    const usable = drugs.filter((one) => !one.status || one.status === "active");
    found.replaceChildren(
      ...(usable.length ? usable.map(choice) : [element("p", { class: "empty" }, say("order.search.none"))]),
    );
  }
  function choice(drug) {
    const choose = () => {
      field.value = drugName(drug);
      field.dataset.reference = `Medication/${drug.id}`;
      field.dataset.piece = pieceOf(drug);
      found.replaceChildren();
      form.elements.schedule.focus();
    };
    return element("button", { type: "button", click: choose }, drugName(drug));
  }
}

function drugName(drug) {
  const generic = drug.code?.coding?.find((one) => one.system === "http://www.whocc.no/atc")?.display;
  const name = drug.code?.text ?? generic ?? drug.id;
  return generic && !name.toLowerCase().includes(generic.toLowerCase()) ? `${generic.toLowerCase()} – ${name}` : name;
}

// What one of a counted form is called: a tablet.
function pieceOf(drug) {
  const per = drug.ingredient?.[0]?.strength?.denominator;
  return per?.code === "1" && per.unit ? per.unit : "";
}

// The forms

function schedule() {
  const chosen = document.getElementById("schedule");
  const show = () => {
    for (const part of document.querySelectorAll("[data-schedules]")) {
      part.hidden = !part.dataset.schedules.split(" ").includes(chosen.value);
    }
  };
  chosen.addEventListener("change", show);
  show();
}

async function put(event) {
  event.preventDefault();
  const button = form.querySelector("button[type=submit]");
  if (button.disabled) return;
  const made = await medication();
  if (!made) return;
  button.disabled = true;
  try {
    await stage({ patient, label, overrides: [], ...made });
    form.reset();
    delete form.elements.drug.dataset.reference;
    form.elements.schedule.dispatchEvent(new Event("change"));
    told.textContent = say("order.staged");
  } catch {
    told.textContent = say("order.not-kept");
  } finally {
    button.disabled = false;
  }
}

function fieldsOf() {
  const fields = Object.fromEntries(new FormData(form));
  return { ...fields, "route-word": form.elements.route.selectedOptions[0].textContent.trim() };
}

function unit() {
  const chosen = form.elements.unit.selectedOptions[0];
  const { piece } = form.elements.drug.dataset;
  return { code: chosen.value, word: chosen.value === "1" && piece ? piece : chosen.textContent.trim() };
}

function wrong(names) {
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  for (const name of names) form.elements[name].setAttribute("aria-invalid", "true");
  if (!names.length) return false;
  told.textContent = say("order.look");
  form.elements[names[0]].focus();
  return true;
}

async function medication() {
  const { drug } = form.elements;
  const fields = fieldsOf();
  const missing = [...(drug.dataset.reference ? [] : ["drug"]), ...unreadable(fields)];
  for (const name of ["indication", "start"]) if (!fields[name].trim()) missing.push(name);
  if (!fields.end && !fields.review && fields.schedule !== "once") missing.push("end");
  if (wrong(missing)) return null;
  const end = fields.end || (fields.schedule === "once" ? fields.start : "");
  const { account } = await open();
  const resource = {
    resourceType: "MedicationRequest",
    status: "active",
    intent: "order",
    subject: { reference: `Patient/${patient}` },
    // What is left unsent here can't be signed by the next at this PC.
    requester: { identifier: { system: ACCOUNTS, value: account } },
    reasonCode: [{ text: fields.indication.trim() }],
    medicationReference: { reference: drug.dataset.reference, display: drug.value },
    dosageInstruction: instructions({ ...fields, end }, unit()),
  };
  if (fields.schedule === "continuous") {
    resource.dispenseRequest = { validityPeriod: { start: fields.start, ...(fields.end ? { end: fields.end } : {}) } };
  }
  if (fields.review) resource.extension = [{ url: REVIEW_DATE, valueDate: fields.review }];
  return { kind: resource.resourceType, resource, says: [drug.value] };
}

// What is staged, with its checks

async function refresh() {
  const before = JSON.stringify(staged.map(({ id, overrides }) => [id, overrides]));
  const entries = await all();
  staged = entries.filter((one) => one.state === "staged" && one.patient === patient && one.resource);
  if (told.textContent === say("order.signed") && !entries.some((one) => one.state === "waiting")) told.textContent = "";
  show();
  if (JSON.stringify(staged.map(({ id, overrides }) => [id, overrides])) !== before) await check();
}

function bodyOf(entries) {
  const withOverrides = entries.map(({ resource, overrides }) => ({
    resource,
    ...(overrides.length ? { overrides } : {}),
  }));
  if (withOverrides.length > 1) return { resourceType: "Bundle", type: "transaction", entry: withOverrides };
  const [{ resource, ...more }] = withOverrides;
  return { ...resource, ...more };
}

/** What stands against orders, and each as it would be signed. Throws where no site answers. */
async function examined(body) {
  const headers = { "content-type": "application/json", "altid-patient": `Patient/${patient}` };
  const answer = await ask("/orders/check", { method: "POST", headers, body: JSON.stringify(body) });
  const said = await answer.json();
  return answer.ok ? said : { findings: (said.issue ?? []).map(fromIssue), orders: [] };
}

async function check() {
  const mine = (round += 1);
  const entries = staged;
  checked = new Map();
  show();
  if (!entries.length) return;
  let said = null;
  try {
    said = await examined(bodyOf(entries));
  } catch {
    if (mine === round) setTimeout(() => mine === round && check(), AGAIN_MS);
    return;
  }
  if (mine !== round) return;
  entries.forEach((entry, place) => {
    const own = said.findings.filter((finding) => placeOf(finding.field) === place);
    checked.set(entry.id, { findings: own, order: said.orders[place] ?? null });
  });
  show();
}

const fromIssue = (issue) => ({
  severity: "error",
  code: issue.code,
  field: issue.expression?.[0] ?? "",
  text: issue.details?.text ?? issue.diagnostics ?? "",
});
const placeOf = (field) => Number(/entry\[(\d+)\]/.exec(field)?.[1] ?? 0);

/** An order in full, as it would be signed. */
function saysOf(order) {
  const drug = order.medicationReference?.display ?? order.medicationCodeableConcept?.text;
  const doses = (order.dosageInstruction ?? []).map((line) => [line.text, line.route?.text].filter(Boolean).join(" – "));
  const bounds = order.dosageInstruction?.[0]?.timing?.repeat?.boundsPeriod ?? order.dispenseRequest?.validityPeriod;
  const review = order.extension?.find((one) => one.url === REVIEW_DATE)?.valueDate;
  const reasons = (order.reasonCode ?? []).map((one) => one.text ?? one.coding?.[0]?.display).filter(Boolean);
  return [
    drug ?? "",
    ...doses,
    bounds?.start ? say("order.read.start", { day: day(bounds.start) }) : "",
    bounds?.end ? say("order.read.end", { day: day(bounds.end) }) : "",
    review ? say("order.read.review", { day: day(review) }) : "",
    reasons.length ? say("order.read.why", { why: reasons.join(", ") }) : "",
  ].filter(Boolean);
}

// Only when there is something new: whoever types a reason keeps it.
function show() {
  const now = JSON.stringify([staged, [...checked]]);
  if (now === drawn) return;
  drawn = now;
  list.replaceChildren(...staged.map(card));
  const open_ = staged.some((entry) => !checked.has(entry.id) || checked.get(entry.id).findings.length);
  signing.disabled = !staged.length || open_;
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
  );
}

const foundIn = (finding) =>
  `${finding.severity === "error" ? "✕" : "▲"} ${say(`order.${finding.severity}`)}: ${inWords(finding)}`;

function findingOf(entry, finding) {
  const text = element("p", {}, foundIn(finding));
  if (finding.severity === "error") return element("div", { class: "finding error" }, text);
  const id = `why-${entry.id}-${finding.code}`;
  const why = element("input", { id, maxlength: "1000", autocomplete: "off", value: whys.get(id) ?? "" });
  why.addEventListener("input", () => whys.set(id, why.value));
  const override = async () => {
    if (!why.value.trim()) return why.focus();
    const overrides = [...entry.overrides.filter((one) => one.code !== finding.code), { code: finding.code, reason: why.value.trim() }];
    await stage({ ...bare(entry), overrides });
  };
  return element(
    "div",
    { class: "finding warning" },
    text,
    element("label", { for: id }, say("order.why-all-the-same")),
    why,
    element("button", { type: "button", click: override }, say("order.all-the-same")),
  );
}

function bare(entry) {
  const { state: _, ...rest } = entry;
  return rest;
}

// Read back in full, with the patient's identity; one signature.

function readBack() {
  const entries = staged.map((entry) => ({ ...bare(entry), says: saysOf(checked.get(entry.id).order) }));
  const about = {
    patient,
    label,
    kind: "MedicationRequest",
    action: "sign",
    says: entries.flatMap((entry) => entry.says),
    titles: entries.map((entry) => entry.says[0]),
  };
  let isDone = false;
  const close = () => dialog.close();
  const signed = async () => {
    if (isDone) return;
    isDone = true;
    try {
      const key = await sign(entries, { path: "/orders", body: bodyOf(entries) }, about);
      told.textContent = say(key ? "order.signed" : "order.signed-before");
      close();
    } catch {
      isDone = false; // nothing was written: it can be signed
      told.textContent = say("order.not-kept");
    }
  };
  const button = say("order.sign", { count: entries.length });
  const texts = entries.map(({ says }) => element("li", {}, says.map((text) => element("div", {}, text))));
  const dialog = element(
    "dialog",
    { class: "readback", "aria-labelledby": "readback-title" },
    element("h2", { id: "readback-title" }, say("order.read-back")),
    whoIsIt(),
    element("ol", {}, texts),
    element(
      "p",
      { class: "answers" },
      element("button", { type: "button", class: "main sign", click: signed }, button),
      element("button", { type: "button", click: close }, say("order.back")),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// The banner's identity; one page has one main heading.
function whoIsIt() {
  const who = document.querySelector(".banner .who").cloneNode(true);
  const name = who.querySelector(".name");
  name.replaceWith(element("b", { class: "name" }, name.textContent));
  return who;
}
