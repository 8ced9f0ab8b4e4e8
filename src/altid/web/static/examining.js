// What the record says of an order before it is signed: what stands against it, and how it reads in full. It is asked
// of `/orders/check`, which writes nothing.

import { day, element, inWords, say } from "./saying.js";
import { ask } from "./swing.js";

export const REVIEW_DATE = "https://altid.dk/fhir/StructureDefinition/review-date";
const TYPING_MS = 400;
const UNFINISHED = "required"; // what is still to be typed is no fault yet

/** Orders with their overrides, as /orders takes them: one alone, or a Bundle. */
export function bodyOf(entries) {
  const withOverrides = entries.map(({ resource, overrides = [] }) => ({
    resource,
    ...(overrides.length ? { overrides } : {}),
  }));
  if (withOverrides.length > 1) return { resourceType: "Bundle", type: "transaction", entry: withOverrides };
  const [{ resource, ...more }] = withOverrides;
  return { ...resource, ...more };
}

/** {findings, orders}: what stands against them, and each as it would be signed. Throws where no site answers. */
export async function examined(entries, patient) {
  const headers = { "content-type": "application/json", "altid-patient": `Patient/${patient}` };
  const answer = await ask("/orders/check", { method: "POST", headers, body: JSON.stringify(bodyOf(entries)) });
  const said = await answer.json();
  return answer.ok ? said : { findings: (said.issue ?? []).map(fromIssue), orders: [] };
}

const fromIssue = (issue) => ({
  severity: "error",
  code: issue.code,
  field: issue.expression?.[0] ?? "",
  text: issue.details?.text ?? issue.diagnostics ?? "",
});

/** Of which entry a finding is. */
export const placeOf = (finding) => Number(/entry\[(\d+)\]/.exec(finding.field)?.[1] ?? 0);

/** The doses of an order in the record's own words, step by step. */
export function dosesOf(order) {
  let step = null;
  return (order.dosageInstruction ?? []).map((line) => {
    const follows = step !== null && line.sequence !== step;
    step = line.sequence ?? null;
    const text = [line.text, line.route?.text].filter(Boolean).join(" – ");
    return follows ? say("order.then", { dose: text }) : text;
  });
}

/** An order in full, as it would be signed. */
export function saysOf(order) {
  const drug = order.medicationReference?.display ?? order.medicationCodeableConcept?.text;
  const repeats = (order.dosageInstruction ?? []).map((line) => line.timing?.repeat?.boundsPeriod);
  const validity = order.dispenseRequest?.validityPeriod;
  const start = repeats.find((one) => one?.start)?.start ?? validity?.start;
  const end = repeats.findLast((one) => one?.end)?.end ?? validity?.end;
  const review = order.extension?.find((one) => one.url === REVIEW_DATE)?.valueDate;
  const reasons = (order.reasonCode ?? []).map((one) => one.text ?? one.coding?.[0]?.display).filter(Boolean);
  return [
    drug ?? "",
    ...dosesOf(order),
    start ? say("order.read.start", { day: day(start) }) : "",
    end ? say("order.read.end", { day: day(end) }) : "",
    review ? say("order.read.review", { day: day(review) }) : "",
    reasons.length ? say("order.read.why", { why: reasons.join(", ") }) : "",
  ].filter(Boolean);
}

/** A finding in words, with its sign. */
export const findingText = (finding) =>
  `${finding.severity === "error" ? "✕" : "▲"} ${say(`order.${finding.severity}`)}: ${inWords(finding)}`;

/** While somebody types: the doses in the record's words, and what stands against them, in `place`. `make` gives the
 *  order as far as it is typed, null where it can't be read. Gives `look`, which asks anew, and `textsOf`: an order in
 *  full, [] where the record has not said how that very one reads. */
export function sayWhileTyping(form, place, patient, make) {
  let timer = null;
  let round = 0;
  let known = { typed: "", order: null };
  const look = () => {
    clearTimeout(timer);
    timer = setTimeout(ask_, TYPING_MS);
  };
  form.addEventListener("input", look);
  form.addEventListener("change", look);

  async function ask_() {
    const mine = (round += 1);
    const resource = make();
    if (!resource) return place.replaceChildren();
    const said = await examined([{ resource }], patient).catch(() => null);
    if (mine !== round) return;
    const order = said?.orders[0] ?? null;
    known = { typed: JSON.stringify(resource), order };
    const against = (said?.findings ?? []).filter((one) => one.code !== UNFINISHED);
    place.replaceChildren(
      ...(order ? dosesOf(order).map((text) => element("div", { class: "says" }, text)) : []),
      ...against.map((one) => element("p", { class: `finding ${one.severity}` }, findingText(one))),
    );
  }

  const textsOf = (resource) => (known.order && known.typed === JSON.stringify(resource) ? saysOf(known.order) : []);
  return { look, textsOf };
}
