// The orders of this browser that nobody has acknowledged, and those that are staged. They are written, sealed
// (`sealed.js`), before they are sent, and sent again with the same Idempotency-Key until there is a receipt; so a
// reload, a crash or a second click make no second order.

import { open, seal, settled, unseal, within } from "./sealed.js";
import { ask, events as sites } from "./swing.js";

const AGAIN_MS_MIN = 1_000;
const AGAIN_MS_MAX = 8_000;
const TELL_MS = 10_000; // an order that waits so long is told to operations
const KNOWN_MS = 12 * 3_600_000; // a receipt stays in sight for the shift
const HELD_MAX = 500; // as POST /orders/outboxes takes
const SETTLED = ["known", "refused"];
const TYPED = "typed"; // in a form, on no list
const CLIENT = "altid.client";
const TOLD = "altid.told";

/** Fires `changed` when what is here has changed, in this tab or another. */
export const events = new EventTarget();
export const isPossible = Boolean(globalThis.crypto?.subtle && globalThis.indexedDB);

const others = isPossible ? new BroadcastChannel("altid-outbox") : null;
if (others) others.onmessage = () => events.dispatchEvent(new Event("changed"));

let timer = null;
let pause_ms = AGAIN_MS_MIN;

/** All of this account: staged, waiting, known, refused; oldest first. */
export async function all() {
  return (await mine()).filter((one) => one.state !== TYPED);
}

async function mine() {
  const { account } = await open();
  const records = await within("readonly", (store) => settled(store.getAll()));
  const found = await Promise.all(records.filter((one) => one.account === account).map(unseal));
  return found.filter(Boolean).sort((one, other) => one.at - other.at);
}

/** Keep what is typed and on no list yet, so that a reload does not lose it. It is sealed like the rest, and counts
 *  as nothing anywhere. Gives its id. */
export async function keep(entry) {
  const id = entry.id ?? crypto.randomUUID();
  const record = await seal(id, TYPED, { ...entry, at: Date.now() });
  await within("readwrite", (store) => settled(store.put(record)));
  return id;
}

/** What was typed, oldest first. */
export async function kept() {
  return (await mine()).filter((one) => one.state === TYPED);
}

/** Let go of something typed. */
export async function letGo(id) {
  await within("readwrite", (store) => settled(store.delete(id)));
}

/** Keep an order that is not signed yet; `entry`: {patient, label, resource, says, overrides, findings}. */
export async function stage(entry) {
  const id = entry.id ?? crypto.randomUUID();
  const record = await seal(id, "staged", { ...entry, at: entry.at ?? Date.now() });
  await within("readwrite", (store) => settled(store.put(record)));
  changed();
  return id;
}

export async function drop(id) {
  await within("readwrite", (store) => settled(store.delete(id)));
  changed();
}

/** Sign what is staged: it leaves the list and waits, in one step. Gives null where one of them is not there
 *  any more, as at a second click or in a second tab. `request`: {path, body, version}. */
export async function sign(staged, request, about) {
  const key = crypto.randomUUID();
  const record = await seal(key, "waiting", { ...about, ...request, key, staged, at: Date.now() });
  const signed = await within("readwrite", async (store, transaction) => {
    for (const { id } of staged) {
      if ((await settled(store.getKey(id))) === undefined) {
        transaction.abort();
        return null;
      }
      store.delete(id);
    }
    store.put(record);
    return key;
  }).catch((error) => {
    if (error === null || error?.name === "AbortError") return null;
    throw error;
  });
  changed();
  if (signed) deliver();
  return signed;
}

/** Let go of the receipts and refusals that were read. */
export async function clear() {
  const known = (await all()).filter((one) => SETTLED.includes(one.state));
  await within("readwrite", (store) => known.forEach((one) => store.delete(one.id)));
  changed();
}

function changed() {
  events.dispatchEvent(new Event("changed"));
  others?.postMessage("changed");
}

/** Send what waits, once; true where something still waits. For a page that goes in a moment. */
export const sendOnce = () => navigator.locks.request("altid-outbox", sendAll);

/** Send what waits; again by itself until all have a receipt. One tab at a time does. */
export function deliver() {
  clearTimeout(timer);
  timer = null;
  return navigator.locks.request("altid-outbox", { ifAvailable: true }, async (lock) => {
    const left = lock ? await sendAll() : true;
    if (!left) pause_ms = AGAIN_MS_MIN;
    else if (lock) pause_ms = Math.min(AGAIN_MS_MAX, pause_ms * 2);
    if (left) timer = setTimeout(deliver, pause_ms * (0.5 + Math.random() / 2));
  });
}

async function sendAll() {
  const waiting = (await all()).filter((one) => one.state === "waiting");
  for (const entry of waiting) await send(entry);
  await tellOperations();
  await forget();
  return (await all()).some((one) => one.state === "waiting");
}

async function send(entry) {
  const headers = {
    "content-type": "application/json",
    "idempotency-key": entry.key,
    "altid-patient": `Patient/${entry.patient}`,
    "accept-language": document.documentElement.lang,
    ...(entry.version ? { "if-match": `W/"${entry.version}"` } : {}),
  };
  let answer;
  try {
    answer = await ask(entry.path, { method: "POST", headers, body: JSON.stringify(entry.body) });
  } catch {
    return; // nobody answers: it stays
  }
  if (answer.status === 401) return; // the session is over, and nothing is decided
  const word = answer.headers.get("altid-receipt");
  const said = await answer.json().catch(() => null);
  if (answer.ok && word === "ok" && said) return know(entry, said.receipts ?? [said]);
  if (word === "fatal-error") return refuse(entry, said, answer.status);
}

async function know(entry, receipts) {
  const { staged: _, body: __, ...rest } = entry;
  const record = await seal(entry.id, "known", { ...rest, receipts, knownAt: Date.now() });
  await within("readwrite", (store) => settled(store.put(record)));
  changed();
}

// Nothing was registered: what was signed is staged again, with what stands against it.
async function refuse(entry, outcome, status) {
  const findings = (outcome?.issue ?? [{}]).map((issue) => ({
    severity: "error",
    place: Number(/entry\[(\d+)\]/.exec(issue.expression?.[0] ?? "")?.[1] ?? 0),
    text: issue.details?.text ?? issue.diagnostics ?? "",
    code: issue.details?.coding?.[0]?.code ?? null, // of a warning, by which it can be overridden
  }));
  const again = await Promise.all(
    entry.staged.map((one, place) =>
      seal(one.id, "staged", { ...one, refused: findings.filter((finding) => finding.place === place) }),
    ),
  );
  // An act was on no list: it stands as refused until it is read.
  const told = { ...entry, body: undefined, refused: findings, status, knownAt: Date.now() };
  const left = entry.staged.length ? null : await seal(entry.id, "refused", told);
  await within("readwrite", (store) => {
    store.delete(entry.id);
    if (left) store.put(left);
    again.forEach((record) => store.put(record));
  });
  changed();
}

/** The keys of an entry: a Bundle's orders have one each. */
export function keysOf(entry) {
  const parts = entry.body?.resourceType === "Bundle" ? entry.body.entry : null;
  return parts ? parts.map((_, place) => `${entry.key}#${place + 1}`) : [entry.key];
}

/** Tell the record what is held here, so that it is known when this browser is never opened again. */
export async function tellOperations({ now = false } = {}) {
  const waiting = (await all()).filter((one) => one.state === "waiting");
  const isOld = waiting.some((one) => Date.now() - one.at > TELL_MS);
  if (!isOld && !(now && waiting.length) && !(localStorage.getItem(TOLD) && !waiting.length)) return;
  localStorage.setItem(TOLD, "yes");
  const held = waiting.flatMap((entry) =>
    keysOf(entry).map((key) => ({
      key,
      patient: entry.patient,
      kind: entry.kind,
      action: entry.action,
      since: new Date(entry.at).toISOString(),
    })),
  );
  const body = JSON.stringify({ client: client(), held: held.slice(0, HELD_MAX) });
  const headers = { "content-type": "application/json", "idempotency-key": crypto.randomUUID() };
  try {
    const answer = await ask("/orders/outboxes", { method: "POST", headers, body });
    if (answer.ok && !held.length) localStorage.removeItem(TOLD);
  } catch {
    // Told with the next try.
  }
}

function client() {
  const known = localStorage.getItem(CLIENT) ?? crypto.randomUUID();
  localStorage.setItem(CLIENT, known);
  return known;
}

async function forget() {
  const isOld = (one) => Date.now() - (one.state === TYPED ? one.at : one.knownAt) > KNOWN_MS;
  const old = (await mine()).filter((one) => [...SETTLED, TYPED].includes(one.state) && isOld(one));
  if (!old.length) return;
  await within("readwrite", (store) => old.forEach((one) => store.delete(one.id)));
  changed();
}

sites.addEventListener("site", () => {
  if (timer) deliver();
});
addEventListener("online", () => deliver());
