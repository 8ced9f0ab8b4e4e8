// The service worker: pages come from the server, always. Only when none answers it gives the one page that it
// keeps, which finds out where to go. `VERSION` and `KEPT` are put before it by the server.

const ANSWER_MS_MAX = 8_000; // a page that takes longer has no server behind it
const NOBODY = [502, 503, 504]; // of a gateway without servers; Altid's own refusals name a language

self.addEventListener("install", (event) => {
  const keep = caches.open(VERSION).then((cache) => cache.addAll(KEPT));
  event.waitUntil(keep.then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => names.filter((name) => name !== VERSION));
  event.waitUntil(old.then((names) => Promise.all(names.map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (request.method === "GET" && url.pathname.startsWith("/static/")) event.respondWith(file(request));
});

async function page(request) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ANSWER_MS_MAX);
  try {
    const answer = await fetch(request, { signal: stop.signal });
    const isNobody = NOBODY.includes(answer.status) && !answer.headers.has("content-language");
    return isNobody ? await shell() : answer;
  } catch {
    return shell();
  } finally {
    clearTimeout(timer);
  }
}

const shell = async () => (await caches.match("/offline")) ?? Response.error();

// A file by its digest never changes; any other is asked for first.
async function file(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(request, { ignoreSearch: true })) ?? Response.error();
  }
}
