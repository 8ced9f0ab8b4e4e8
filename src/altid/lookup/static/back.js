// A browser that came here because no site of the record answered goes back by itself once one does: to the page
// that was wanted there. Which that was stands behind "#" in the address that led here, so no server was told;
// this tab keeps it. It leads nowhere but to the sites that the page itself names.

const WANTED = "altid.back"; // in sessionStorage
const LOOK_MS = 3_000;
const ANSWER_MS_MAX = 2_000;
const GOOD_LOOKS = 2; // one after the other: a site that is just starting would send the browser here again
const FIELDS = "input:not([type=hidden]), textarea";

const place = document.getElementById("back");
const sites = place?.dataset.record.split(" ") ?? [];
const [says, link] = place?.children ?? [];
let good = 0;

function take() {
  const wanted = new URLSearchParams(location.hash.slice(1)).get("back");
  if (!wanted) return;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    const url = new URL(wanted);
    // Any other kind of address could have a path that begins with another host.
    if (["http:", "https:"].includes(url.protocol)) sessionStorage.setItem(WANTED, url.href);
  } catch {
    // It is no address: then there is nowhere to go back to.
  }
}

async function answers(site) {
  try {
    const asked = { signal: AbortSignal.timeout(ANSWER_MS_MAX), cache: "no-store" };
    return (await fetch(`${site}/health/readable`, asked)).ok;
  } catch {
    return false;
  }
}

async function look(wanted) {
  const first = sites.filter((site) => site === wanted.origin);
  const others = sites.filter((site) => site !== wanted.origin);
  const found = await Promise.all([...first, ...others].map(async (site) => ((await answers(site)) ? site : null)));
  const site = found.find(Boolean);
  good = site ? good + 1 : 0;
  says.hidden = false;
  link.hidden = !site;
  if (site) link.href = new URL(wanted.pathname + wanted.search, site).href;
  if (good >= GOOD_LOOKS && !isTyped()) {
    sessionStorage.removeItem(WANTED);
    location.replace(link.href);
  }
  setTimeout(() => look(wanted), LOOK_MS);
}

// Then the link is there, and nothing is taken away.
const isTyped = () => [...document.querySelectorAll(FIELDS)].some((field) => field.value !== field.defaultValue);

// Whoever comes here another time, by themselves, is not taken away.
link?.addEventListener("click", () => sessionStorage.removeItem(WANTED));
take();
if (place && sessionStorage.getItem(WANTED)) look(new URL(sessionStorage.getItem(WANTED)));
