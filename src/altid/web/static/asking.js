// How a page's script asks the record: with the page's token, which is kept in memory alone.

const LIMIT_MS = 15_000; // longer than any failover
const RENEW_SHARE = 0.6; // of a token's life

let session = null;
let token = null;
let renewAt = 0;

/** The session of this page, by its cookies: {account}. Throws while nobody answers, or it has ended. */
export async function start() {
  if (session && performance.now() < renewAt) return session;
  const answer = await fetch("/session/token", {
    headers: { "altid-page": "used" },
    cache: "no-store",
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  if (answer.status === 401) throw new EndedError("the session has ended");
  if (!answer.ok) throw new Error("no token");
  const told = await answer.json();
  token = told.token;
  renewAt = performance.now() + told.expiresIn * 1000 * RENEW_SHARE;
  session = { account: told.account };
  return session;
}

/** Ask a path of the record. A write has its Idempotency-Key: it may be sent again. */
export async function ask(path, asked = {}) {
  await start();
  const headers = { accept: "application/json", ...asked.headers, authorization: `Bearer ${token}` };
  const answer = await fetch(path, { ...asked, headers, signal: AbortSignal.timeout(LIMIT_MS) });
  if (answer.status === 401) {
    session = null;
    throw new EndedError("the session has ended");
  }
  return answer;
}

/** Somebody must log on anew; nothing is decided about what was asked. */
export class EndedError extends Error {}
