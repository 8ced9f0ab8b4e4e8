// Ordering drugs for one patient: a form, and the list of what is staged (`staged.js`). What is typed or staged is kept
// sealed (`outbox.js`) until it is signed, so neither a reload nor a site that goes away loses it.

import { doseForm } from "./dose-form.js";
import { dosing, faults } from "./dosing.js";
import { drugSearch } from "./drug-search.js";
import { REVIEW_DATE, sayWhileTyping } from "./examining.js";
import { mark } from "./marking.js";
import { drop, isPossible, stage } from "./outbox.js";
import { open } from "./sealed.js";
import { requesterOf } from "./requester.js";
import { say } from "./saying.js";
import { stagedList } from "./staged.js";
import { keepTyped } from "./typed.js";

const { patient, label } = document.getElementById("ordering").dataset;
const form = document.getElementById("medication-form");
const { drug, indication } = form.elements;
const told = document.getElementById("ordering-told");
const dose = doseForm(form.querySelector(".dose-form"));
let chosen = null; // {reference, name, piece, route}
let says = null;
let forget = () => {};

if (isPossible) begin();
else told.textContent = say("order.impossible");

async function begin() {
  drugSearch(drug, document.getElementById("drug-found"), choose);
  form.addEventListener("submit", put);
  says = sayWhileTyping(form, form.querySelector(".dose-says"), patient, () => (readable() ? resource() : null));
  const button = document.getElementById("sign-all");
  stagedList({ list: document.getElementById("staged"), button, patient, label, tell, edit }).catch(() => {});
  forget = await keepTyped(form, { patient, label, form: "order" }, typed, again, () => [drug.value]);
  says.look();
}

// What was said stands until something else is; `only`: unless it is no more what stands there.
function tell(text, only = told.textContent) {
  if (told.textContent === only) told.textContent = text;
}

function choose(found) {
  chosen = found;
  dose.suit(found.piece, found.route);
  form.dispatchEvent(new Event("change"));
  dose.first().focus();
}

// The form as data, and back

const isChosen = () => Boolean(chosen && drug.dataset.reference);

function typed() {
  return { drug: drug.value, chosen: isChosen() ? chosen : null, indication: indication.value, dose: dose.fields() };
}

function again(fields) {
  drug.value = fields.drug;
  chosen = fields.chosen;
  if (chosen) drug.dataset.reference = chosen.reference;
  else delete drug.dataset.reference;
  dose.fill(fields.dose);
  dose.suit(chosen?.piece ?? "");
  indication.value = fields.indication;
}

async function edit(entry) {
  again(entry.typed);
  form.dispatchEvent(new Event("change"));
  await drop(entry.id);
  drug.focus();
}

function clear() {
  form.reset();
  delete drug.dataset.reference;
  chosen = null;
  dose.suit("");
  dose.clear();
  form.querySelector(".dose-says").replaceChildren();
  mark(form, []);
}

// What is ordered

const readable = () => isChosen() && !faults(dose.fields()).some((one) => one.step !== null);

function resource() {
  const fields = dose.fields();
  const isOnce = fields.steps.at(-1).lines.every(({ schedule }) => schedule === "once");
  const end = fields.end || (isOnce ? fields.start : "");
  const { dosageInstruction, validity } = dosing({ ...fields, end });
  return {
    resourceType: "MedicationRequest",
    status: "active",
    intent: "order",
    subject: { reference: `Patient/${patient}` },
    ...(indication.value.trim() ? { reasonCode: [{ text: indication.value.trim() }] } : {}),
    medicationReference: { reference: chosen.reference, display: drug.value },
    dosageInstruction,
    ...(validity ? { dispenseRequest: { validityPeriod: validity } } : {}),
    ...(fields.review ? { extension: [{ url: REVIEW_DATE, valueDate: fields.review }] } : {}),
  };
}

async function put(event) {
  event.preventDefault();
  const button = form.querySelector("button[type=submit]");
  if (button.disabled) return;
  const wrong = faults(dose.fields()).map((fault) => [dose.fieldOf(fault), fault.why]);
  if (!isChosen()) wrong.unshift([drug, "drug"]);
  if (!indication.value.trim()) wrong.push([indication, "missing"]);
  if (mark(form, wrong)) return tell("");
  button.disabled = true;
  try {
    const { account } = await open();
    const order = resource();
    const texts = says.textsOf(order);
    await stage({
      patient,
      label,
      kind: order.resourceType,
      resource: { ...order, requester: requesterOf(account) },
      overrides: [],
      says: texts.length ? texts : [drug.value],
      typed: typed(),
    });
    clear();
    await forget();
    tell(say("order.staged"));
    drug.focus();
  } catch {
    tell(say("order.not-kept"));
  } finally {
    button.disabled = false;
  }
}
