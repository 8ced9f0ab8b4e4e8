// A dose at the bedside: what is sent of it. It is given after the last dose that the page knew of, so that one
// which somebody else has given meanwhile stops it (docs/orders.md, The same dose).

import { number } from "./dosing.js";

/** What a form gives, and of which field no number can be made, by `unreadable(field)`. */
export function administration(form, unreadable) {
  const { at, not } = form.elements;
  const { after } = form.dataset;
  return {
    ...(after ? { after } : {}),
    ...(at.value ? { afterwards: true } : {}),
    // The moment of the click: a dose that waits in this browser was given before the record gets it.
    effectiveDateTime: (at.value ? new Date(at.value) : new Date()).toISOString(),
    ...(not.value ? { status: "not-done", statusReason: [{ text: not.value }] } : { dosage: dosage(form, unreadable) }),
  };
}

function dosage({ elements: { line, amount } }, unreadable) {
  const given = line?.value ? JSON.parse(line.value) : {};
  if (!amount?.value) return given;
  const value = number(amount.value);
  if (!(value > 0) || !given.dose) throw unreadable(amount);
  return { ...given, dose: { ...given.dose, value } };
}
