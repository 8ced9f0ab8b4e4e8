// The arrow keys and j, k go through the rows of a list, Enter opens. "?" and "/" are in keys.js.

const dialog = document.getElementById("keys");

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.ctrlKey || event.altKey || event.metaKey || typing) return;
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (step && !dialog?.open && go(step)) event.preventDefault();
});

function go(step) {
  const rows = [...document.querySelectorAll("table.patients tbody a[data-row], .wards a")];
  if (!rows.length) return false;
  const at = rows.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step;
  rows[next]?.focus();
  return true;
}
