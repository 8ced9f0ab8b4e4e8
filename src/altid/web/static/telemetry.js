// How fast this page was, and what failed in it, told to the server: in small batches, also after an outage.
// Never an address, a text or anything typed: the server itself says what kind of question each answer was
// (Server-Timing), and only that is told. What could not be told yet waits in this tab's sessionStorage.

const TELLS = "/telemetry";
const KEPT = "altid-telemetry";
const REFRESHED = "altid-refreshed";
const MEASURES_MAX = 100; // of one batch, as the server takes them
const KEPT_MAX = 300; // an outage of hours; then the oldest go
const ERRORS_MAX = 20; // of one page: a loop of errors tells nothing new
const TELL_MS = 30_000;
const TELL_MS_MAX = 480_000;
const LIMIT_MS = 5_000;
const IDLE_MS = 300_000; // nobody has touched the page for so long
const BUSY = "dialog[open], #outbox:not([hidden]), #ordering"; // something is unconfirmed, or orders are being made
const SLOW_INTERACTION_MS = 40;

const about = { version: undefined, site: undefined, route: undefined };
let waiting = kept();
let interaction = 0;
let errors = 0;
let pause = TELL_MS; // longer: the server did not answer
let isTelling = false;
let next = null; // the timer of the next batch
let newest = null; // the version that the server has, if it is another than this page's
let touched = performance.now();

function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEPT));
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

function keep() {
  waiting = waiting.slice(-KEPT_MAX);
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(waiting));
  } catch {
    // Without storage it is told while the page is open, or never.
  }
}

function add(measure) {
  waiting.push(measure);
  keep();
}

// What the server has said of an answer.
function said(entry) {
  const named = Object.fromEntries((entry.serverTiming ?? []).map((each) => [each.name, each]));
  if (!named.route) return null;
  return {
    route: named.route.description,
    site: named.site?.description,
    version: named.version?.description,
    server: named.app?.duration,
  };
}

function times(entry) {
  const span = (from, to) => (from > 0 && to >= from ? to - from : undefined);
  return {
    dns: span(entry.domainLookupStart, entry.domainLookupEnd),
    connect: span(entry.connectStart, entry.connectEnd),
    tls: span(entry.secureConnectionStart, entry.connectEnd),
    wait: span(entry.requestStart, entry.responseStart),
    receive: span(entry.responseStart, entry.responseEnd),
    status: entry.responseStatus || undefined,
  };
}

function tellPage() {
  const entry = performance.getEntriesByType("navigation")[0];
  const server = entry && said(entry);
  if (!server) return;
  Object.assign(about, { version: server.version, site: server.site, route: server.route });
  const usable = entry.domContentLoadedEventEnd;
  add({ ...server, ...times(entry), render: Math.max(0, usable - entry.responseEnd), total: usable - entry.startTime });
}

function tellCall(entry) {
  if (!["fetch", "xmlhttprequest"].includes(entry.initiatorType)) return;
  const server = said(entry);
  if (!server || server.route.endsWith(TELLS)) return;
  add({ ...server, ...times(entry), total: entry.duration });
}

function tellError(name, source, line) {
  if (!about.route || ++errors > ERRORS_MAX) return;
  const file = /\/static\/([a-z-]+\.js)/.exec(source ?? "")?.[1];
  add({ ...about, error: name, at: file ? `${file}:${line || 0}` : undefined });
}

const nameOf = (error) => (typeof error?.name === "string" && error.name) || "other";

window.addEventListener("error", (event) => tellError(nameOf(event.error), event.filename, event.lineno));
window.addEventListener("unhandledrejection", (event) => tellError(nameOf(event.reason)));
document.addEventListener("securitypolicyviolation", (event) => tellError("csp", event.sourceFile, event.lineNumber));

function watch(type, each, options) {
  if (!PerformanceObserver.supportedEntryTypes?.includes(type)) return;
  new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true, ...options });
}

function batch() {
  const network = navigator.connection?.type ?? navigator.connection?.effectiveType;
  return JSON.stringify({ network, measures: waiting.slice(0, MEASURES_MAX) });
}

async function tell() {
  clearTimeout(next);
  if (isTelling) return;
  if (waiting.length) {
    isTelling = true;
    const count = Math.min(waiting.length, MEASURES_MAX);
    try {
      const answer = await fetch(TELLS, { method: "POST", body: batch(), signal: AbortSignal.timeout(LIMIT_MS) });
      // A batch that is refused for its form would be refused again; all else is told later.
      if (answer.ok || answer.status === 400) {
        waiting = waiting.slice(count);
        keep();
      }
      const { version } = await answer.json();
      if (about.version && version && version !== about.version) newest = version;
      pause = answer.ok ? TELL_MS : Math.min(TELL_MS_MAX, pause * 2);
    } catch {
      pause = Math.min(TELL_MS_MAX, pause * 2);
    }
    isTelling = false;
  }
  refresh();
  next = setTimeout(tell, pause * (0.5 + Math.random()));
}

// The page goes: without waiting for an answer. In an outage it waits for the tab's next page instead.
function leave() {
  if (interaction) add({ ...about, interaction });
  interaction = 0;
  if (isTelling || pause > TELL_MS || !navigator.onLine) return;
  if (waiting.length && navigator.sendBeacon?.(TELLS, batch())) {
    waiting = waiting.slice(MEASURES_MAX);
    keep();
  }
}

// A page of an old version gets the new one when nobody is using it, nothing is typed and nothing unconfirmed.
// Once for each version: while servers of two versions answer side by side, the old one may come again.
function refresh() {
  if (!newest || !isSafe()) return;
  try {
    if (sessionStorage.getItem(REFRESHED) === newest) return;
    sessionStorage.setItem(REFRESHED, newest);
  } catch {
    return;
  }
  location.reload();
}

function isSafe() {
  if (!about.route?.startsWith("GET ") || performance.now() - touched < IDLE_MS) return false;
  const typed = [...document.querySelectorAll("input, textarea, select")].some(isTyped);
  return !typed && !document.querySelector(BUSY);
}

function isTyped(field) {
  if (field.type === "hidden" || field.type === "submit") return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.options) return [...field.options].some((each) => each.selected !== each.defaultSelected && each.index > 0);
  return field.value !== field.defaultValue;
}

for (const name of ["keydown", "pointerdown", "input"]) {
  window.addEventListener(name, () => (touched = performance.now()), { passive: true, capture: true });
}
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave());
window.addEventListener("pagehide", leave);
window.addEventListener("online", tell);

// The page's own measures are whole once it has loaded.
const begin = () => setTimeout(() => {
  tellPage();
  watch("resource", tellCall);
  watch("event", (entry) => entry.interactionId && (interaction = Math.max(interaction, entry.duration)), {
    durationThreshold: SLOW_INTERACTION_MS,
  });
  next = setTimeout(tell, TELL_MS * Math.random());
});
if (document.readyState === "complete") begin();
else window.addEventListener("load", begin);
