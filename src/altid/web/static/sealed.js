// What lies in this browser, sealed (AES-GCM) by a key that the servers give after logon and that is kept nowhere:
// what lies on a ward's PC is opened by its owner's next logon alone. In clear stand an id, the account and the state.

import { start } from "./swing.js";

const NONCE_BYTES = 12; // SP 800-38D, 8.2
const CARRIED_CHARACTERS_MAX = 700_000; // of a form at /moved
const CARRIED_MAX = 100;

const written = (bytes) => btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(""));
const read = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

let opened = null; // {database, key, account}

/** Open what this account has here. Throws without a session: then nothing can be read, and nothing is lost. */
export function open() {
  opened ??= opening().catch((error) => {
    opened = null;
    throw error;
  });
  return opened;
}

async function opening() {
  const { account, outboxKey } = await start();
  const key = await crypto.subtle.importKey("raw", read(outboxKey), "AES-GCM", false, ["encrypt", "decrypt"]);
  const database = await connect();
  return { database, key, account };
}

function connect() {
  const asked = indexedDB.open("altid", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("orders", { keyPath: "id" });
  return settled(asked);
}

/** The answer to what a store was asked. */
export function settled(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/** One transaction: `work` gets the store and may not wait for anything but it. */
export async function within(mode, work) {
  const { database } = await open();
  const transaction = database.transaction("orders", mode, { durability: "strict" });
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  const result = await work(transaction.objectStore("orders"), transaction);
  await done;
  return result;
}

// What is sealed can go to another site's pages, where too its owner's logon alone opens it: base64 is for the way.

/** All that waits in this browser, of whomever, sealed as it is: {id, account, state, nonce, sealed}. It needs no
 *  session. What is too much for one way stays here for the next. */
export async function sealedRows() {
  const database = await connect();
  const records = await settled(database.transaction("orders").objectStore("orders").getAll());
  database.close();
  const rows = records
    .filter(({ state }) => state === "waiting")
    .map((one) => ({ ...one, nonce: written(one.nonce), sealed: written(one.sealed) }));
  let characters = 0;
  return rows.slice(0, CARRIED_MAX).filter(({ sealed }) => (characters += sealed.length) < CARRIED_CHARACTERS_MAX);
}

/** Keep such rows here, but for those that are here already, perhaps with a receipt. */
export async function keepSealed(rows) {
  const database = await connect();
  const transaction = database.transaction("orders", "readwrite", { durability: "strict" });
  const store = transaction.objectStore("orders");
  for (const row of rows) {
    const record = { ...row, nonce: read(row.nonce), sealed: read(row.sealed).buffer };
    store.add(record).onerror = (event) => event.preventDefault(); // is here: the others are kept
  }
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  database.close();
}

/** A row to put into the store. */
export async function seal(id, state, content) {
  const { key, account } = await open();
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const named = new TextEncoder().encode(`${account} ${id} ${state}`);
  const text = new TextEncoder().encode(JSON.stringify(content));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: named }, key, text);
  return { id, account, state, nonce, sealed };
}

/** What the row says; null where it is sealed by another secret. */
export async function unseal(record) {
  const { key } = await open();
  const named = new TextEncoder().encode(`${record.account} ${record.id} ${record.state}`);
  try {
    const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv: record.nonce, additionalData: named }, key, record.sealed);
    return { ...JSON.parse(new TextDecoder().decode(text)), id: record.id, state: record.state };
  } catch {
    return null; // of another secret: a record that was restored without its key
  }
}
