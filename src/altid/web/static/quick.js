// A new passkey, on the device of whoever is logged on.

import { create, fill, supported } from "./passkey.js";

const form = document.getElementById("new-passkey");
if (supported) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await fill(form, "/quick/passkey", create);
    } catch (error) {
      return alarm(error instanceof DOMException ? form.dataset.failed : error.message);
    }
    form.submit();
  });
}

function alarm(text) {
  document.getElementById("refused")?.remove();
  const box = document.createElement("div");
  box.id = "refused";
  box.className = "alert";
  box.setAttribute("role", "alert");
  box.textContent = `✕ ${text}`;
  form.before(box);
}
