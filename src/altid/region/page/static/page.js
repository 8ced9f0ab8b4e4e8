// Asks for the picture once a second and exchanges what has changed; counts every age on in between.
// When nobody answers it says so: an old picture must never look like a new one.

const EVERY_MS = 1000;
const PATIENCE_MS = 4000;
const LOST_MS = 4000;
const UNITS = [["days", 86400], ["hours", 3600], ["minutes", 60]];

const board = document.getElementById("board");
const lost = document.getElementById("lost");
const shown = new Map();
let heardAt = performance.now();
let serverNow = Number(board.dataset.now);
let asking = false;

function spoken(atMs, nowMs) {
  const ahead = atMs > nowMs;
  const seconds = Math.max(0, Math.abs(nowMs - atMs) / 1000);
  const [unit, length] = UNITS.find(([, size]) => seconds >= 2 * size) ?? ["seconds", 1];
  const form = board.getAttribute(`data-${ahead ? "ahead" : "age"}-${unit}`);
  return form.replace("{n}", String(Math.floor(seconds / length)));
}

function countOn() {
  const sinceHeard = performance.now() - heardAt;
  for (const time of board.querySelectorAll("time.age")) {
    const text = spoken(Date.parse(time.dateTime), serverNow + sinceHeard);
    if (time.textContent !== text) time.textContent = text;
  }
  const isLost = sinceHeard > LOST_MS;
  lost.hidden = !isLost;
  board.classList.toggle("old", isLost);
  if (isLost) lost.querySelector("[data-lost-age]").textContent = spoken(0, sinceHeard);
}

// The texts of ages change all the time and are counted on here: they are no reason to exchange anything.
const withoutAges = (html) => html.replace(/(<time class="age"[^>]*>)[^<]*/g, "$1");

function exchange(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const sections = [...fresh.body.querySelectorAll(":scope > section")];
  if (sections.map((one) => one.id).join() !== [...board.children].map((one) => one.id).join()) {
    board.replaceChildren(...sections);
    shown.clear();
    return;
  }
  for (const section of sections) {
    const text = withoutAges(section.outerHTML);
    if (shown.get(section.id) === text) continue;
    shown.set(section.id, text);
    const old = document.getElementById(section.id);
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    old.className = section.className;
    old.replaceChildren(...section.childNodes);
    if (focused) old.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  }
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch(board.dataset.source, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    serverNow = Number(answer.headers.get("Altid-Now"));
    heardAt = performance.now();
    exchange(html);
  } catch {
    // The next question comes in a second; how long nobody has answered is shown by countOn.
  } finally {
    asking = false;
    countOn();
  }
}

setInterval(ask, EVERY_MS);
setInterval(countOn, 250);
document.addEventListener("visibilitychange", ask);
ask();
