// Searching the catalogue for a drug, by keyboard as well (ARIA combobox): down to the list, Enter takes one. What is
// chosen stands in words, and typing anew takes it away: nobody orders what only looks like a name.

import { element, say } from "./saying.js";
import { ask } from "./swing.js";

const TYPING_MS = 200;
const TYPED_MIN = 2;
const FOUND_MAX = 15;
const ATC = "http://www.whocc.no/atc";
// Dose forms that are taken in one way alone, by their SNOMED CT code of the route; of others somebody says it.
const ROUTES = [
  [/tablet|kapsel|oral|mikstur|dråber/, "26643006"],
  [/sublingual/, "37839007"],
  [/inhal/, "447694001"],
  [/suppos|rektal|klysma/, "37161004"],
  [/creme|salve|kutan/, "6064005"],
];
const INJECTED = /injek|infus/;

/** Make `field` search, and `found` list what was. `chosen` is told the drug: {reference, name, piece, route}. */
export function drugSearch(field, found, chosen) {
  let timer = null;
  let drugs = [];
  let active = -1;

  field.addEventListener("input", () => {
    delete field.dataset.reference;
    clearTimeout(timer);
    timer = setTimeout(look, TYPING_MS);
  });
  field.addEventListener("keydown", (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (moves && drugs.length) point((active + moves + drugs.length) % drugs.length);
    else if (event.key === "Enter" && active >= 0) take(drugs[active]);
    else if (event.key === "Enter" && !field.dataset.reference) at_once();
    else if (event.key === "Escape") list([]);
    else return;
    event.preventDefault();
  });
  // Somebody may be quicker than this script.
  if (field.value.trim()) timer = setTimeout(look, TYPING_MS);

  function at_once() {
    clearTimeout(timer);
    look();
  }

  async function look() {
    const text = field.value.trim();
    if (field.dataset.reference) return;
    if (text.length < TYPED_MIN) return list([]);
    try {
      const answer = await ask(`/fhir/Medication?code:text=${encodeURIComponent(text)}&_count=${FOUND_MAX}`);
      if (!answer.ok) throw new Error("not found");
      const all = ((await answer.json()).entry ?? []).map((entry) => entry.resource);
      if (field.value.trim() !== text || field.dataset.reference) return;
      const usable = all.filter((one) => !one.status || one.status === "active");
      list(usable, usable.length ? "" : say("order.search.none"));
    } catch {
      list([], say("order.search.failed"));
    }
  }

  function list(some, told = "") {
    drugs = some;
    found.replaceChildren(...drugs.map(option));
    found.hidden = !drugs.length;
    document.getElementById("drug-told").textContent = told;
    field.setAttribute("aria-expanded", String(drugs.length > 0));
    point(drugs.length === 1 ? 0 : -1);
  }

  function option(drug, place) {
    const attributes = { type: "button", role: "option", id: `drug-${place}`, tabindex: "-1", "aria-selected": "false" };
    return element("button", { ...attributes, click: () => take(drug) }, nameOf(drug));
  }

  function point(place) {
    active = place;
    [...found.children].forEach((one, number) => one.setAttribute("aria-selected", String(number === place)));
    if (place < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", `drug-${place}`);
    found.children[place].scrollIntoView({ block: "nearest" });
  }

  function take(drug) {
    clearTimeout(timer);
    field.value = nameOf(drug);
    field.dataset.reference = `Medication/${drug.id}`;
    list([]);
    chosen({ reference: field.dataset.reference, name: field.value, piece: pieceOf(drug), route: routeOf(drug) });
  }
}

function nameOf(drug) {
  const generic = drug.code?.coding?.find((one) => one.system === ATC)?.display;
  const name = drug.code?.text ?? generic ?? drug.id;
  return generic && !name.toLowerCase().includes(generic.toLowerCase()) ? `${generic.toLowerCase()} – ${name}` : name;
}

// What one of a counted form is called: a tablet.
function pieceOf(drug) {
  const per = drug.ingredient?.[0]?.strength?.denominator;
  return per?.code === "1" && per.unit ? per.unit : "";
}

function routeOf(drug) {
  const form = (drug.form?.text ?? drug.code?.text ?? "").toLowerCase();
  if (INJECTED.test(form)) return "";
  return ROUTES.find(([words]) => words.test(form))?.[1] ?? "";
}
