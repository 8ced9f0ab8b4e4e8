// How a page's scripts ask the record: at the site that answers, with the page's token, which is kept in
// memory alone. A site that is silent loses nothing: the other one is asked the same within two seconds.

const PATIENCE_MS = 1_200; // then the other site is asked as well; two seconds are promised
const ANSWER_MS_MAX = 15_000; // longer than any failover; whoever waits then decides what to do
const LOOK_MS = 5_000; // so often a page looks which site answers, that the sign is true without a click
const RENEW_SHARE = 0.6; // of a token's life
const SITES = "altid.sites"; // in localStorage: addresses alone, for pages without a session
const ELSEWHERE = [408, 429, 500, 502, 503, 504]; // worth asking the other site, with the same key

let session = null; // {account, outboxKey, sites}
let token = null;
let renewAt = 0;
let until = 0; // the token's end, by this PC's clock
let first = 0; // the place in `session.sites` that is asked first
let asking = null; // the look for a token that is underway
let wasUsed = false;

/** Fires `site` ({name, home, durability}; name null: nobody answers) and `ended` (log on anew). */
export const events = new EventTarget();
export const shown = { name: null, home: null, durability: null };

/** The session of this page: asked for once by its cookies. Throws while no server answers. */
export async function start() {
  if (session) return session;
  asking ??= take().finally(() => (asking = null));
  return asking;
}

async function take() {
  const answer = await limited("/session/token", { headers: { "altid-page": "open" }, cache: "no-store" }, ANSWER_MS_MAX);
  const told = await answer.json();
  if (answer.status === 401) ended();
  if (!answer.ok) throw new Error("no token");
  keep(told);
  const home = location.origin;
  const others = told.sites.filter((site) => new URL(site.url).origin !== home);
  const sites = [{ name: told.site, url: home }, ...others];
  session = { account: told.account, outboxKey: told.outboxKey, sites };
  localStorage.setItem(SITES, JSON.stringify(told.sites));
  seen(0, answer);
  setInterval(look, LOOK_MS);
  return session;
}

function keep(told) {
  token = told.token;
  renewAt = performance.now() + told.expiresIn * 1000 * RENEW_SHARE;
  until = Date.now() + told.expiresIn * 1000;
  hand();
}

/** Go on with what another page of this browser has handed to the worker. The own site is asked last. */
export function adopt(handed) {
  session = handed.session;
  ({ token, until } = handed);
  renewAt = Infinity; // this page goes in a moment
  first = 1 % session.sites.length;
}

/** A ticket with which the browser goes on at another site in the same session; null where that is refused.
 *  Throws where it may be had in a moment. */
export async function ticketAt(site) {
  const headers = { authorization: `Bearer ${token}`, "altid-page": "used" };
  const answer = await limited(`${site.url}/session/handover`, { method: "POST", headers }, PATIENCE_MS * 2);
  if (answer.status >= 500) throw new Error("no ticket now");
  return answer.ok ? (await answer.json()).ticket : null;
}

// The worker has in its memory what a page needs that is loaded while its site is gone. It forgets when it is not
// told again: browsers end a worker that nobody asks for half a minute.
function hand() {
  if (!token || !session) return;
  const language = document.documentElement.lang;
  tellWorker({ handed: { session, token, until, language }, isSilent: Boolean(elsewhere()) });
}

// The site that answers in place of the page's own.
const elsewhere = () => (shown.name && first ? session.sites[first] : null);

const tellWorker = (message) => navigator.serviceWorker?.controller?.postMessage(message);

for (const moment of ["pagehide", "visibilitychange"]) addEventListener(moment, hand);

/** Ask a path of the record. Gives the first answer that is one; else the last refusal. Throws where no
 *  site answers at all. A write must have its Idempotency-Key: it may reach both sites. */
export async function ask(path, asked = {}) {
  await start();
  if (performance.now() > renewAt) await renew();
  const language = document.documentElement.lang;
  const headers = { accept: "application/json", "accept-language": language, ...asked.headers, authorization: `Bearer ${token}` };
  const answer = await race(path, { ...asked, headers });
  if (answer.status === 401) ended();
  return answer;
}

async function renew() {
  const headers = { authorization: `Bearer ${token}`, "altid-page": wasUsed ? "used" : "open" };
  const answer = await race("/session/token", { method: "POST", headers });
  if (answer.status === 401) return ended();
  if (!answer.ok) return; // the one that there is goes on
  wasUsed = false;
  keep(await answer.json());
}

// The site that answered last begins. The next one begins when it has failed, or is silent for too long.
function race(path, asked, from = first) {
  const order = session.sites.map((_, place) => (from + place) % session.sites.length);
  return new Promise((resolve, reject) => {
    let open = 0;
    let last = null;
    let timer = null;
    const next = () => {
      clearTimeout(timer);
      const place = order.shift();
      if (place === undefined) return finish();
      open += 1;
      timer = setTimeout(next, PATIENCE_MS);
      limited(session.sites[place].url + path, asked, ANSWER_MS_MAX).then(
        (answer) => {
          open -= 1;
          if (!ELSEWHERE.includes(answer.status)) {
            clearTimeout(timer);
            order.length = 0;
            seen(place, answer);
            return resolve(answer);
          }
          last = answer;
          next();
        },
        () => {
          open -= 1;
          next();
        },
      );
    };
    const finish = () => {
      if (open) return;
      if (last) return resolve(last);
      tell(null, null);
      reject(new Error("no site answers"));
    };
    next();
  });
}

async function limited(url, asked, limit_ms) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), limit_ms);
  try {
    const answer = await fetch(url, { ...asked, signal: stop.signal });
    const body = await answer.arrayBuffer(); // within the limit, too
    const isEmpty = [101, 204, 205, 304].includes(answer.status);
    return new Response(isEmpty ? null : body, { status: answer.status, headers: answer.headers });
  } finally {
    clearTimeout(timer);
  }
}

function seen(place, answer) {
  first = place;
  tell(session.sites[place].name, answer.headers.get("altid-durability"));
}

function tell(name, durability) {
  const next = { name, home: session?.sites[0].name ?? null, durability: durability ?? (name ? shown.durability : null) };
  if (["name", "home", "durability"].every((key) => shown[key] === next[key])) return;
  Object.assign(shown, next);
  hand();
  events.dispatchEvent(new Event("site"));
}

// The page's own site goes first again once it answers.
async function look() {
  hand();
  if (document.visibilityState === "hidden" && shown.name) return;
  try {
    await race("/health/readable", {}, 0);
    if (performance.now() > renewAt) await renew();
  } catch {
    // Told by `tell`.
  }
}

function ended() {
  letGo();
  events.dispatchEvent(new Event("ended"));
}

function letGo() {
  if (session) tellWorker({ gone: session.account });
  token = null;
  renewAt = 0;
}

// Whoever logs off is off, in the worker's memory too; and also while the page's own site can't be asked.
addEventListener("submit", async (event) => {
  if (event.defaultPrevented || !event.target.matches('form[action="/logoff"]')) return;
  if (!token) return letGo();
  event.preventDefault();
  const form = event.target;
  const headers = { "altid-page": "used" };
  // At whichever site answers: nobody may have noticed yet that the own one is gone.
  await ask("/session/token", { method: "DELETE", headers }).catch(() => {});
  letGo();
  const site = elsewhere();
  if (site) location.assign(`${site.url}/logon`);
  else form.submit();
});

for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => (wasUsed = true), { passive: true });
