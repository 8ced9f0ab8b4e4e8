// What is typed in a form is kept, sealed, while it is typed, and is there again after a reload for the same patient
// and account.

import { keep, kept, letGo } from "./outbox.js";

const TYPING_MS = 300;

/** Keep what stands in `form`. `about` names it ({patient, label, form}; all of it is compared); `fields` reads it; `again` puts back
 *  what was kept; `says`: what it is, in words. Gives how to let go of it. */
export async function keepTyped(form, about, fields, again, says = () => []) {
  let id = null;
  let timer = null;
  let done = Promise.resolve(); // one after the other: what is let go of is not written again
  const isSame = (one) => Object.entries(about).every(([name, value]) => one[name] === value);
  const found = (await kept().catch(() => [])).findLast(isSame);
  if (found) {
    id = found.id;
    again(found.fields);
  }
  const untouched = found ? null : JSON.stringify(fields());

  const write = () => {
    timer = null;
    const now = fields();
    if (!id && JSON.stringify(now) === untouched) return;
    done = done.then(async () => (id = await keep({ id: id ?? undefined, ...about, says: says(), fields: now }))).catch(() => {});
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(write, TYPING_MS);
  };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  addEventListener("pagehide", () => timer && write());

  return function forget() {
    clearTimeout(timer);
    timer = null;
    done = done.then(async () => {
      if (id) await letGo(id);
      id = null;
    }).catch(() => {});
    return done;
  };
}
