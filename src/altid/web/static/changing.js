// Changing or renewing an order: the dose form with its whole dosage. What is sent names only what is to be different,
// is read back beside what it was, and is held against the patient's other orders while it is typed.

import { doseForm } from "./dose-form.js";
import { dosing, faults } from "./dosing.js";
import { REVIEW_DATE, dosesOf, examined, sayWhileTyping, saysOf } from "./examining.js";
import { mark } from "./marking.js";
import { readBack } from "./read-back.js";
import { element, inWords, say } from "./saying.js";
import { keepTyped } from "./typed.js";

const today = () => new Date().toLocaleDateString("sv"); // as FHIR has a date: 2026-11-28
const opened = new Map(); // form -> {dose, order, forget}

/** Make the dose form of a change or a renewal work. `order`: as it is; `patient`: whose, who is called `label`. */
export async function openDoses(form, order, { patient, label }) {
  const root = form.querySelector(".dose-form");
  const dose = doseForm(root);
  const fields = JSON.parse(root.dataset.fields);
  const isNew = form.dataset.action === "renew";
  dose.fill(isNew ? { ...fields, start: today(), end: "", review: "", exact: {} } : fields);
  const own = { dose, order, patient, isNew, forget: () => {} };
  opened.set(form, own);
  const make = () => (faults(dose.fields()).some((one) => one.step !== null) ? null : asItWillBe(own));
  const { look } = sayWhileTyping(form, form.querySelector(".dose-says"), patient, make);
  form.closest("details").addEventListener("toggle", look, { once: true });
  const about = { patient, label, form: `${form.dataset.action} ${order.id} ${form.dataset.version}` };
  own.forget = await keepTyped(root, about, dose.fields, (typed) => {
    dose.fill(typed);
    form.closest("details").open = true;
  }, () => [form.dataset.title]);
}

/** Elements that the order gets, and names of those that it loses; null where a field must be looked at first. */
export function changeOf(form) {
  const { dose } = opened.get(form);
  const wrong = faults(dose.fields()).map((fault) => [dose.fieldOf(fault), fault.why]);
  return mark(form, wrong) ? null : elementsOf(opened.get(form));
}

function elementsOf({ dose, order }) {
  const fields = dose.fields();
  const { dosageInstruction, validity } = dosing(fields);
  const { validityPeriod: _, ...dispensed } = order.dispenseRequest ?? {};
  const others = (order.extension ?? []).filter((one) => one.url !== REVIEW_DATE);
  const next = {
    dispenseRequest: { ...dispensed, ...(validity ? { validityPeriod: validity } : {}) },
    extension: [...others, ...(fields.review ? [{ url: REVIEW_DATE, valueDate: fields.review }] : [])],
  };
  const same = (name) => JSON.stringify(next[name]) === JSON.stringify(order[name]);
  const isEmpty = (name) => !Object.keys(next[name]).length;
  const names = Object.keys(next);
  const remove = names.filter((name) => isEmpty(name) && order[name]);
  const given = names.filter((name) => !isEmpty(name) && !same(name)).map((name) => [name, next[name]]);
  return { dosageInstruction, ...Object.fromEntries(given), ...(remove.length ? { remove } : {}) };
}

// As a new order that takes this one's place, so that it is no double of it.
function asItWillBe(own) {
  const { remove = [], ...given } = elementsOf(own);
  const { id, ...order } = own.order;
  remove.forEach((name) => delete order[name]);
  return { ...order, ...given, status: "active", priorPrescription: { reference: `MedicationRequest/${id}` } };
}

/** Read back what the order was and will be: {found, isSigned}. `found`: what stands against it and is not answered by
 *  one of `overrides`, so that nothing was asked. Throws where no site answers. */
export async function readChange(form, overrides) {
  const own = opened.get(form);
  const { findings, orders } = await examined([{ resource: asItWillBe(own), overrides }], own.patient);
  if (findings.length) return { found: findings.map(fromFinding), isSigned: false };
  const was = dosesOf(own.order).map((text) => element("div", { class: "says" }, text));
  const parts = own.isNew ? [] : [element("section", { class: "was" }, element("h3", {}, say("order.was")), ...was)];
  const button = form.querySelector("button[type=submit]").textContent;
  return new Promise((resolve) => {
    const sign = async () => {
      resolve({ found: [], isSigned: true });
      return true;
    };
    own.says = saysOf(orders[0]);
    const dialog = readBack({ items: [own.says], parts, button, sign });
    dialog.addEventListener("close", () => resolve({ found: [], isSigned: false }));
  });
}

const fromFinding = (one) => ({ text: inWords(one), code: one.severity === "warning" ? one.code : null });

/** The order in full, as it was read back. */
export const readOf = (form) => opened.get(form).says;

/** What is typed is sent, and need not be kept. */
export const letGoOf = (form) => opened.get(form)?.forget();
