// What somebody has typed is not lost when the session ends or the line is down while they send it: the page stays
// as it is, says what to do, and takes the new session's mark when it is sent again. Without this script the form
// works as any other. Nothing is kept outside this page's own memory.

const LIMIT_MS = 15_000;

for (const form of document.querySelectorAll("form.kept")) form.addEventListener("submit", send);

async function send(event) {
  event.preventDefault();
  const form = event.target;
  const buttons = [...form.querySelectorAll("button")];
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  buttons.forEach((button) => (button.disabled = true));
  try {
    if (form.dataset.stale) fields.set("form_token", await newToken());
    const answer = await fetch(form.action, {
      method: "POST",
      body: fields,
      credentials: "same-origin",
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const where = new URL(answer.url);
    if (where.pathname.startsWith("/logon")) return ended(form);
    if (answer.redirected) return leave(form, where);
    show(await answer.text());
  } catch {
    told(form, form.dataset.failed);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

function ended(form) {
  form.dataset.stale = "yes";
  const place = told(form, form.dataset.ended);
  const link = document.createElement("a");
  link.href = "/logon";
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = form.dataset.logon;
  place.append(" ", link);
}

function told(form, text) {
  const place = form.querySelector(".kept-told");
  place.textContent = text;
  place.hidden = false;
  return place;
}

function leave(form, where) {
  form.removeEventListener("submit", send);
  window.onbeforeunload = null;
  location.assign(where);
}

// The server has said no, with what was typed: its page takes this one's place.
function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  document.querySelector("main").replaceWith(page.querySelector("main"));
  for (const form of document.querySelectorAll("form.kept")) form.addEventListener("submit", send);
  document.querySelector("main .alert")?.scrollIntoView();
}

// Of the session that there is now: the page of the form is asked for once more, and only its mark is taken.
async function newToken() {
  const answer = await fetch(location.href, { credentials: "same-origin", signal: AbortSignal.timeout(LIMIT_MS) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const field = page.querySelector("form.kept [name=form_token]");
  if (!field) throw new Error("no session");
  return field.value;
}

window.onbeforeunload = (event) => {
  const typed = [...document.querySelectorAll("form.kept textarea")];
  if (typed.some((field) => field.value !== field.defaultValue)) event.preventDefault();
};
