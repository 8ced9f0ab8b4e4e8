// Conveniences; the pages work without them. "/" goes to the search field, "?" shows the keys, "Esc" and a click
// elsewhere close the menu, and a print tells its time.

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "Escape") closeMenus();
  if (event.ctrlKey || event.altKey || event.metaKey || typing) return;
  const act = { "/": goToSearch, "?": showKeys }[event.key];
  if (act?.()) event.preventDefault();
});

document.addEventListener("click", (event) => closeMenus(event.target));

function goToSearch() {
  const field = document.getElementById("search");
  field?.focus();
  field?.select();
  return field;
}

function showKeys() {
  const dialog = document.getElementById("keys");
  if (dialog && !dialog.open) dialog.showModal();
  return dialog;
}

function closeMenus(except = null) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu.contains(except)) continue;
    if (menu.contains(document.activeElement)) menu.firstElementChild.focus();
    menu.open = false;
  }
}

window.addEventListener("beforeprint", () => {
  for (const place of document.querySelectorAll(".printed")) place.textContent = printed(place.dataset, new Date());
});

function printed({ words, day, months }, now) {
  const clock = [now.getHours(), now.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
  const date = day
    .replace("{day}", now.getDate())
    .replace("{month}", months.split("|")[now.getMonth()])
    .replace("{year}", now.getFullYear());
  return words.replace("{at}", `${date} ${clock}`);
}
