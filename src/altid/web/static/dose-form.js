// The dose form: steps, one after the other, of lines that hold at the same time. What stands in it is plain data
// (`fields`), as it is typed: kept over a reload, put back in, and made into FHIR by `dosing.js`.

import { whole } from "./dosing.js";
import { element } from "./saying.js";

const SNOMED = "http://snomed.info/sct";
const POURED = ["47625008", "34206005", "as-ordered"]; // routes of what may run in, at a rate
const SEVERAL = ["meals", "weekdays", "rounds"]; // of which more than one may be ticked
const DAY_MS = 86_400_000;
const WRITTEN = /^([\d.,]+)\s*([^\d\s.,]+)?(?:\s*[x×*]\s*(\d+))?$/i; // 1 g x 4

/** Make the form of `root` (`.dose-form`) work. Gives what others do with it. */
export function doseForm(root) {
  const { prefix } = root.dataset;
  const steps = root.querySelector(".dose-steps");
  const whole_ = (name) => root.querySelector(`[name=${name}]`);
  let beside = {}; // what the order has and the form does not ask for
  let piece = ""; // what one of a counted form is called

  root.addEventListener("click", act);
  root.addEventListener("change", changed);
  for (const name of ["length", "start"]) whole_(name).addEventListener("input", reckonEnd);
  whole_("end").addEventListener("input", () => (whole_("length").value = ""));
  clear();

  function reckonEnd() {
    const days = whole(whole_("length").value);
    const start = Date.parse(whole_("start").value);
    if (days && start) whole_("end").value = new Date(start + (days - 1) * DAY_MS).toISOString().slice(0, 10);
  }

  function act({ target }) {
    const does = target.closest("[data-do]")?.dataset.do;
    if (!does) return;
    const step = target.closest(".dose-step");
    const made = does === "add-line" ? addLine(step, {}) : null;
    if (does === "add-step") addStep(fieldsOfStep(step));
    if (does === "drop-step") step.remove();
    if (does === "drop-line") target.closest(".dose-line").remove();
    number_();
    if (made) made.querySelector("[name=amount]").focus();
    if (does === "add-step") step.querySelector("[name=days]").focus();
    root.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function changed({ target }) {
    if (target.name === "schedule") show(target.closest(".dose-line"));
    if (target.name === "amount") take(target);
    if (target.name === "route") suitRoute();
  }

  function suitRoute() {
    const isPoured = POURED.includes(whole_("route").value);
    root.classList.toggle("infused", isPoured);
    // What is not in sight is not ordered.
    if (!isPoured) for (const rate of root.querySelectorAll("[name=rate]")) rate.value = "";
  }

  // `1 g x 4` is told apart into its fields, where everybody sees what was understood.
  function take(field) {
    const [, amount, unit, times] = WRITTEN.exec(field.value.trim()) ?? [];
    if (!amount || !(unit || times)) return;
    const line = field.closest(".dose-line");
    const options = [...line.querySelector("[name=unit]").options];
    const known = unit ? options.find((one) => [one.value, one.text].some((text) => text.toLowerCase() === unit.toLowerCase())) : null;
    const isDaily = line.querySelector("[name=schedule]").value === "times";
    if ((unit && !known) || (times && !isDaily)) return;
    field.value = amount;
    if (known) known.selected = true;
    if (times) line.querySelector("[name=times]").value = times;
  }

  function copyOf(id) {
    const made = document.getElementById(id).content.firstElementChild.cloneNode(true);
    const place = root.querySelectorAll(`.${id}`).length;
    for (const label of made.querySelectorAll("label[data-for]")) {
      const field = label.parentElement.querySelector("input, select");
      field.id = `${prefix}${field.name}${place ? `-${place + 1}` : ""}`;
      while (document.getElementById(field.id) || root.querySelector(`#${field.id}`)) field.id += "x";
      label.htmlFor = field.id;
    }
    return made;
  }

  function addStep({ lines = [{}] } = {}, days = "") {
    const step = copyOf("dose-step");
    steps.append(step);
    step.querySelector("[name=days]").value = days;
    lines.forEach((line) => addLine(step, line));
    return step;
  }

  function addLine(step, values) {
    const line = copyOf("dose-line");
    step.querySelector(".dose-lines").append(line);
    callPieces(line);
    for (const [name, value] of Object.entries(values)) put(line, name, value, values);
    show(line);
    return line;
  }

  function put(line, name, value, values) {
    if (SEVERAL.includes(name)) {
      for (const box of line.querySelectorAll(`[name=${name}]`)) box.checked = value.includes(box.value);
      return;
    }
    if (name === "times" && values.schedule === "meals") name = "meal-times";
    const field = line.querySelector(`[name=${name}]`);
    if (!field) return;
    const word = { unit: "word", "most-unit": "most-word" }[name];
    if (word && value) offer(field, value, values[word]);
    else if (field.tagName === "SELECT") offer(field, value);
    field.value = value;
  }

  function offer(select, code, word) {
    const known = [...select.options].find((one) => one.value === code);
    if (!known) select.append(element("option", { value: code }, word || code));
    else if (code === "1" && word) known.textContent = word;
  }

  function callPieces(place) {
    for (const option of place.querySelectorAll("[name=unit] option[value='1'], [name=most-unit] option[value='1']")) {
      option.dataset.word ??= option.textContent;
      option.textContent = piece || option.dataset.word;
    }
  }

  // Only what the schedule asks for is in sight.
  function show(line) {
    const chosen = line.querySelector("[name=schedule]").value;
    for (const part of line.querySelectorAll("[data-schedules]")) {
      part.hidden = !part.dataset.schedules.split(" ").includes(chosen);
    }
  }

  function number_() {
    const all = [...steps.children];
    const isTapered = all.length > 1;
    root.classList.toggle("tapered", isTapered || Boolean(all[0]?.querySelector("[name=days]").value));
    all.forEach((step, place) => {
      const name = step.querySelector(".step-name");
      name.textContent = name.dataset.words.replace("{number}", place + 1);
      step.classList.toggle("last", place === all.length - 1);
      step.querySelector("[data-do=drop-step]").hidden = !isTapered;
      const lines = step.querySelectorAll(".dose-line");
      for (const line of lines) line.querySelector("[data-do=drop-line]").hidden = lines.length === 1;
    });
  }

  function fieldsOfStep(step) {
    const lines = [...step.querySelectorAll(".dose-line")].map(fieldsOfLine);
    return { days: step.querySelector("[name=days]").value, lines };
  }

  function fieldsOfLine(line) {
    const values = {};
    for (const field of line.querySelectorAll("input, select")) {
      if (field.type !== "checkbox") values[field.name] = field.value;
      else values[field.name] = [...(values[field.name] ?? []), ...(field.checked ? [field.value] : [])];
    }
    const word = (name) => line.querySelector(`[name=${name}]`).selectedOptions[0].textContent.trim();
    const { "meal-times": atMeals, ...rest } = values;
    const times = values.schedule === "meals" ? atMeals : values.times;
    return { ...rest, times, word: word("unit"), "most-word": values["most-unit"] ? word("most-unit") : "" };
  }

  /** All that stands in the form. */
  function fields() {
    const select = whole_("route");
    const code = select.value;
    const route = code === codeOf(beside.route) ? beside.route : routeOf(select.selectedOptions[0]);
    const days = Object.fromEntries(["start", "end", "review"].map((name) => [name, whole_(name).value]));
    return { ...beside, steps: [...steps.children].map(fieldsOfStep), ...days, route };
  }

  /** Put such data into the form again. */
  function fill(given) {
    const { steps: wanted, start, end, review, route, ...rest } = given;
    beside = { ...rest, route };
    steps.replaceChildren();
    wanted.forEach(({ days, lines }) => addStep({ lines }, days));
    Object.entries({ start, end, review }).forEach(([name, value]) => (whole_(name).value = value ?? ""));
    chooseRoute(route);
    number_();
  }

  // The record has its words in Danish, whatever language the page speaks.
  function routeOf({ value, dataset }) {
    return value ? { coding: [{ system: SNOMED, code: value }], text: dataset.text } : null;
  }

  function codeOf(route) {
    if (!route) return "";
    const code = route.coding?.find((one) => one.system === SNOMED)?.code;
    return [...whole_("route").options].some((one) => one.dataset.text && one.value === code) ? code : "as-ordered";
  }

  function chooseRoute(route) {
    const select = whole_("route");
    select.querySelector("[value=as-ordered]")?.remove();
    const code = codeOf(route);
    const text = route?.text ?? route?.coding?.[0]?.display;
    if (code === "as-ordered") select.append(element("option", { value: code }, text));
    select.value = code;
    suitRoute();
  }

  function clear() {
    beside = {};
    steps.replaceChildren();
    addStep();
    whole_("length").value = whole_("end").value = whole_("review").value = "";
    whole_("start").value = whole_("start").defaultValue;
    chooseRoute(null);
    number_();
  }

  /** The element of a fault of `dosing.faults`. */
  function fieldOf({ step, line, name }) {
    if (step === null) return name === "end" && whole_("length").checkVisibility() ? whole_("length") : whole_(name);
    const place = steps.children[step];
    if (name === "days") return place.querySelector("[name=days]");
    const lines = place.querySelectorAll(".dose-line")[line];
    const isMeals = lines.querySelector("[name=schedule]").value === "meals";
    return lines.querySelector(`[name=${isMeals && name === "times" ? "meal-times" : name}]`);
  }

  /** What the drug says of how it is taken: the word for one of it, and the route where that is plain. */
  function suit(word, code) {
    piece = word;
    callPieces(root);
    if (code !== undefined) whole_("route").value = code;
    suitRoute();
  }

  const first = () => [...steps.querySelectorAll("[name=amount], [name=morning]")].find((one) => one.checkVisibility());
  return { clear, fieldOf, fields, fill, first, suit };
}
