// While many log on: what was typed stays, the place in line is told, and the browser tries again by itself,
// with full jitter and a budget. Without this script the form works as any other.

import { fill, get, supported } from "./passkey.js";

const TRIES_MAX = 8; // then people decide: a browser that never gives up keeps a storm alive
const ANSWER_MS_MAX = 15_000;
const BACKOFF_MS_MIN = 1_000;
const BACKOFF_MS_MAX = 20_000;
const COUNT_MS = 250;

const form = document.getElementById("logon");
const queue = document.getElementById("queue");
const told = document.getElementById("queue-told");
const again = document.getElementById("queue-again");
const button = form.querySelector("button");
let waiting = null; // the timer of the next try
let attempt = null; // the try underway

form.addEventListener("submit", (event) => {
  event.preventDefault();
  stop();
  tryOnce(0);
});
form.addEventListener("input", stop);
document.getElementById("queue-stop").addEventListener("click", () => {
  stop();
  form.elements.password.focus();
});

async function tryOnce(tries) {
  const mine = (attempt = new AbortController());
  const limit = setTimeout(() => mine.abort(), ANSWER_MS_MAX);
  if (!queue.hidden) again.textContent = form.dataset.trying;
  button.disabled = true;
  let answer = null;
  let said = null;
  try {
    answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "application/json" },
      signal: mine.signal,
    });
    said = await answer.json();
  } catch {
    if (mine !== attempt) return; // stopped by the person
  } finally {
    clearTimeout(limit);
    button.disabled = false;
  }
  if (mine !== attempt) return;
  attempt = null;
  if (answer?.ok && said?.next) return location.replace(said.next);
  if (said?.error === "must-change-password") return form.submit(); // the page for that comes as any page
  const isTransient = !answer || answer.status === 503;
  if (!isTransient) return refuse(said?.error_description ?? form.dataset.over);
  if (said?.appointment) form.elements.appointment.value = said.appointment;
  if (tries + 1 >= TRIES_MAX) return refuse(form.dataset.over);
  wait(tries, said);
}

// An appointment is the time that the servers have given; beyond it, and without one, the whole of a growing
// span is drawn from, so that those who were sent away together don't come back together.
function wait(tries, said) {
  const asked = (said?.retry_after_s ?? 0) * 1000;
  const span = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** tries);
  const due = performance.now() + asked + Math.random() * span;
  document.getElementById("refused")?.remove();
  document.querySelector(".by-hand")?.remove();
  queue.hidden = false;
  told.textContent = sayPlace(said);
  const count = () => {
    const left = due - performance.now();
    if (left <= 0) return tryOnce(tries + 1);
    again.textContent = form.dataset.again.replace("{seconds}", Math.ceil(left / 1000));
    waiting = setTimeout(count, Math.min(left, COUNT_MS));
  };
  count();
}

function sayPlace(said) {
  if (!said) return form.dataset.lost;
  if (said.place === undefined) return said.error_description;
  const seconds = Math.max(1, Math.round(said.retry_after_s));
  return `${form.dataset.place.replace("{place}", said.place)} ${form.dataset.wait.replace("{seconds}", seconds)}`;
}

function stop() {
  clearTimeout(waiting);
  attempt?.abort();
  attempt = null;
  queue.hidden = true;
  button.disabled = false;
}

function refuse(text) {
  stop();
  alarm(text);
  form.elements.password.value = "";
  form.elements.password.focus();
}

function alarm(text) {
  document.getElementById("refused")?.remove();
  const box = document.createElement("div");
  box.id = "refused";
  box.className = "alert";
  box.setAttribute("role", "alert");
  box.textContent = `✕ ${text}`;
  queue.before(box);
  for (const name of ["username", "password"]) form.elements[name].setAttribute("aria-describedby", "refused");
}

const passkey = document.getElementById("passkey");
if (supported) {
  passkey.hidden = false;
  passkey.addEventListener("submit", async (event) => {
    event.preventDefault();
    stop();
    try {
      await fill(passkey, "/logon/passkey", get);
    } catch {
      return alarm(passkey.dataset.failed);
    }
    passkey.submit();
  });
}
