// What is wrong with a form is said by the very field, for eyes and for screen readers.

import { element, say } from "./saying.js";

/** Say by each field what is wrong with it: [[element, text key]]. Gives whether there was anything. */
export function mark(form, wrong) {
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
  for (const text of form.querySelectorAll(".field-fault")) text.remove();
  for (const [field, why] of wrong) {
    if (field.hasAttribute("aria-invalid")) continue;
    const id = `${field.id || field.name}-fault`;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", id);
    const place = field.closest(".several") ?? field;
    (place === field ? place.parentElement : place).append(element("p", { class: "field-fault", id }, say(`order.wrong.${why}`)));
  }
  wrong[0]?.[0].focus();
  return wrong.length > 0;
}
