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
    if (form.dataset.stale) {
      const { account, mark } = await session();
      if (!mark) return ended(form, form.dataset.ended);
      if (account !== form.elements.account.value) return ended(form, form.dataset.other);
      fields.set("form_token", mark);
    }
    // Not `form.action`: that is the buttons of this name.
    const answer = await fetch(form.getAttribute("action"), {
      method: "POST",
      body: fields,
      credentials: "same-origin",
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const where = new URL(answer.url);
    const page = parsed(await answer.text());
    if (where.pathname.startsWith("/logon")) return ended(form, form.dataset.ended);
    if (answer.redirected) return leave(form, where);
    const isStrange = answer.status === 403 && !page.querySelector("form.kept");
    if (isStrange) return ended(form, form.dataset.ended);
    if (!page.querySelector("form.kept")) return told(form, form.dataset.failed);
    show(page);
  } catch {
    told(form, form.dataset.failed);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

// The mark of the page is of a session that is over. What was typed stays, and goes with the next one's.
function ended(form, text) {
  form.dataset.stale = "yes";
  const place = told(form, text);
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
function show(page) {
  document.querySelector("main").replaceWith(page.querySelector("main"));
  for (const form of document.querySelectorAll("form.kept")) form.addEventListener("submit", send);
  document.querySelector("main .alert")?.scrollIntoView();
}

const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

// The session that there is now: the page of the form is asked for once more, and only whose it is and its mark
// are taken. Null where nobody is logged on.
async function session() {
  const answer = await fetch(location.href, { credentials: "same-origin", signal: AbortSignal.timeout(LIMIT_MS) });
  const { elements } = parsed(await answer.text()).querySelector("form.kept") ?? {};
  return { account: elements?.account.value ?? null, mark: elements?.form_token.value ?? null };
}

window.onbeforeunload = (event) => {
  const typed = [...document.querySelectorAll("form.kept textarea")];
  if (typed.some((field) => field.value !== field.defaultValue)) event.preventDefault();
};
