// What scripts say and how they build it: words come with the page, and all that is written is text, never HTML.

const source = document.getElementById("outbox");
const words = JSON.parse(source?.dataset.words ?? "{}");
const language = document.documentElement.lang;
const locale = { en: "en-GB" }[language] ?? language; // 3 June, as the pages write it
const NO_BREAK_SPACE = "\u00a0";

/** A text of the page's language, with its data. */
export function say(key, data = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => data[name] ?? "");
}

/** An element with attributes, listeners (functions) and children; texts are texts. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** A moment on the Danish clock, 24 hours, the month as text. */
export function moment(at) {
  const zone = { timeZone: "Europe/Copenhagen" };
  const day = new Date(at).toLocaleDateString(locale, { ...zone, day: "numeric", month: "long", year: "numeric" });
  const clock = new Date(at).toLocaleTimeString("da", { ...zone, hour: "2-digit", minute: "2-digit" });
  return `${day} ${clock.replace(".", ":")}`.replaceAll(" ", NO_BREAK_SPACE);
}

/** A FHIR date as a day, the month as text. */
export function day(written) {
  const [year, month, date] = written.slice(0, 10).split("-").map(Number);
  if (!date) return written;
  const shown = new Date(Date.UTC(year, month - 1, date)).toLocaleDateString(locale, {
    timeZone: "UTC",
    day: "numeric",
    month: "long",
    year: "numeric",
  });
  return shown.replaceAll(" ", NO_BREAK_SPACE);
}

/** What a finding says in the page's language. */
export const inWords = (finding) => finding[language] ?? finding.text ?? "";
