// From the search field down into the list of patients by arrow keys, and from one to the next; Enter opens the
// one that has the focus. Tab goes the same way.

const links = () => [...document.querySelectorAll("table.patients th[scope=row] a")];

document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const all = links();
  const at = all.indexOf(document.activeElement);
  const search = document.getElementById("search");
  if (at < 0 && (document.activeElement !== search || step < 0)) return;
  const next = at + step < 0 ? search : all[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
});
