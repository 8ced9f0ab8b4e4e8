// The age of the data ticks. The page says it without this script too, as it was when the page was made.
// Counted from the server's age by the browser's own seconds, so that this PC's clock does not matter; of the
// two ways to count them the longer one, since one of them stands still while a PC sleeps.

const bar = document.getElementById("age");
const shownAt = [performance.now(), Date.now()];

function elapsedS() {
  return Math.max(0, performance.now() - shownAt[0], Date.now() - shownAt[1]) / 1000;
}

function said({ forms }, ageS) {
  const minutes = Math.floor(ageS / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return forms.less;
  if (hours < 1) return forms.minutes.replace("{minutes}", minutes);
  if (hours < 24) return forms.hours.replace("{hours}", hours).replace("{minutes}", minutes % 60);
  return forms.days.replace("{days}", Math.floor(hours / 24)).replace("{hours}", hours % 24);
}

function tick(ticking) {
  const ageS = ticking.age_s + elapsedS();
  const now = ticking.states.findLast((one) => ageS >= one.from_s);
  for (const place of document.querySelectorAll(".age-text")) put(place, said(ticking, ageS));
  for (const place of document.querySelectorAll(".age-advice")) put(place, now.advice);
  for (const place of document.querySelectorAll("[data-age-state]")) place.dataset.ageState = now.state;
}

function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

if (bar?.dataset.ticking) {
  const ticking = JSON.parse(bar.dataset.ticking);
  tick(ticking);
  setInterval(() => tick(ticking), 1000);
}
