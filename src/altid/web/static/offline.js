// The page that a browser keeps: which site answers is looked for all the time. The page that was asked for is
// shown again as soon as its own site answers; else the other site is gone to, or the lookup record is named.

const LOOK_MS = 2_000;
const ANSWER_MS_MAX = 1_500;

const shown = document.getElementById("offline");
const sites = JSON.parse(shown.dataset.sites);

async function answers(url) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ANSWER_MS_MAX);
  try {
    return (await fetch(`${url}/health/ready`, { signal: stop.signal, cache: "no-store" })).ok;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

// What waits here is sealed and of this origin: it is sent from here, so the page stays until it can be.
async function waiting() {
  if (!(await indexedDB.databases()).some(({ name }) => name === "altid")) return 0;
  const asked = indexedDB.open("altid");
  const database = await new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = reject;
  });
  const all = database.transaction("orders").objectStore("orders").getAll();
  await new Promise((resolve) => (all.onsuccess = resolve));
  database.close();
  return all.result.filter((one) => one.state === "waiting").length;
}

async function look() {
  if (await answers("")) return location.reload();
  const held = await waiting().catch(() => 0);
  for (const part of document.querySelectorAll("[data-held]")) {
    part.hidden = !held;
    part.querySelector(".count").textContent = held;
  }
  let other = null;
  for (const site of sites.filter(({ url }) => new URL(url).origin !== location.origin)) {
    if (await answers(site.url)) other = site;
  }
  if (other && !held) return location.replace(other.url + location.pathname);
  for (const part of document.querySelectorAll("[data-gone]")) part.hidden = Boolean(other);
  for (const part of document.querySelectorAll("[data-other]")) {
    part.hidden = !other;
    if (other) part.querySelector("a").href = other.url + location.pathname;
  }
  setTimeout(look, LOOK_MS);
}

// Asked for by its own address it is shown as it is: no page waits behind it.
if (location.pathname !== "/offline") look();
