// The read-back: what is about to be signed, in full, under the patient's identity as it stands in the banner.

import { element, say } from "./saying.js";

/** Show it. `items`: for each order its texts, the first of them the drug; `sign` is done once, and answers whether it
 *  was done; `parts`: what else is told. */
export function readBack({ items, parts = [], button, sign }) {
  let isDone = false;
  const told = element("p", { role: "status" });
  const close = () => dialog.close();
  const signed = async () => {
    if (isDone) return;
    isDone = true;
    isDone = await sign(told);
    if (isDone) close();
  };
  const dialog = element(
    "dialog",
    { class: "readback", "aria-labelledby": "readback-title" },
    element("h2", { id: "readback-title" }, say("order.read-back")),
    whoIsIt(),
    element("ol", {}, items.map((texts) => element("li", {}, texts.map((text) => element("div", {}, text))))),
    ...parts,
    told,
    element(
      "p",
      { class: "answers" },
      element("button", { type: "button", class: "main sign", click: signed }, button),
      element("button", { type: "button", click: close }, say("order.back")),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

// One page has one main heading, so the name is none here.
function whoIsIt() {
  const who = document.querySelector(".banner .who").cloneNode(true);
  const name = who.querySelector(".name");
  name.replaceWith(element("b", { class: "name" }, name.textContent));
  return who;
}
