// The service worker: pages come from the server, always. Only when none answers it gives the one page that it
// keeps, which finds out where to go. `VERSION` and `KEPT` are put before it by the server.
//
// In its memory, and nowhere else, it has what the pages of this origin hand to it: the session's token, by which
// that page goes on at the other site. It is let go of at log-off, when the token ends, and with the worker, which
// browsers end half a minute after the last page has said anything.

const ANSWER_MS_MAX = 8_000; // a page that takes longer has no server behind it
const PATIENCE_MS = 800; // then it is asked whether there is a server at all
const THERE_MS_MAX = 1_000; // which that one answers without any work
const SILENT_MS = 10_000; // for so long it is believed that a site was found silent; pages look each 5 s
const NOBODY = [502, 503, 504]; // of a gateway without servers; Altid's own refusals name a language
const MOVED = "/moved"; // what the other site's page sends here: the browser itself says where it is from

let handed = null; // {session, token, until}
let forgetting = null;
let silentUntil = 0;

self.addEventListener("install", (event) => {
  const keep = caches.open(VERSION).then((cache) => cache.addAll(KEPT));
  event.waitUntil(keep.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => names.filter((name) => name !== VERSION));
  event.waitUntil(old.then((names) => Promise.all(names.map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener("message", ({ data, ports }) => {
  if (data.handed) take(data.handed);
  if (data.gone && data.gone === handed?.session.account) handed = null;
  if ("isSilent" in data) silentUntil = data.isSilent ? Date.now() + SILENT_MS : 0;
  if (data.asks) ports[0].postMessage({ handed: living(), isSilent: isSilent() });
});

function take(given) {
  clearTimeout(forgetting);
  handed = given;
  forgetting = setTimeout(living, given.until - Date.now());
}

function living() {
  if (handed && Date.now() >= handed.until) handed = null;
  return handed;
}

const isSilent = () => Date.now() < silentUntil;

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin || url.pathname === MOVED) return;
  if (url.pathname === "/logoff") handed = null;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (request.method === "GET" && url.pathname.startsWith("/static/")) event.respondWith(file(request));
});

// A look is given up when the site says nothing at all; a form has time, for it may have been taken.
async function page(request) {
  const isLook = request.method === "GET";
  if (isLook && isSilent()) return shell();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ANSWER_MS_MAX);
  let isAnswered = !isLook;
  const giveUp = async () => {
    if (isAnswered || (await isThere()) || isAnswered) return;
    silentUntil = Date.now() + SILENT_MS;
    stop.abort();
  };
  const watch = setTimeout(giveUp, PATIENCE_MS);
  try {
    const answer = await fetch(request, { signal: stop.signal });
    isAnswered = true;
    const isNobody = NOBODY.includes(answer.status) && !answer.headers.has("content-language");
    return isNobody ? await shell() : answer;
  } catch {
    return shell();
  } finally {
    clearTimeout(timer);
    clearTimeout(watch);
  }
}

async function isThere() {
  try {
    await fetch("/health/live", { signal: AbortSignal.timeout(THERE_MS_MAX), cache: "no-store" });
    return true;
  } catch {
    return false;
  }
}

const shell = async () => (await caches.match("/offline")) ?? Response.error();

// A file by its digest never changes; any other is asked for first. Of a silent site the kept one is taken.
async function file(request) {
  const kept = (await caches.match(request)) ?? (isSilent() ? await any(request) : null);
  if (kept) return kept;
  const stop = new AbortController();
  const timer = setTimeout(async () => (await any(request)) && stop.abort(), PATIENCE_MS);
  try {
    return await fetch(request, { signal: stop.signal });
  } catch {
    return (await any(request)) ?? Response.error();
  } finally {
    clearTimeout(timer);
  }
}

const any = (request) => caches.match(request, { ignoreSearch: true });
