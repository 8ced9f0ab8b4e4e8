// Two conveniences; the pages work without them. "/" goes to the search field, and a print tells its time.

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || typing) return;
  const field = document.getElementById("search");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

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
