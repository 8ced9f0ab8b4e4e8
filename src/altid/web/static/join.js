// The secret of an invitation stands behind "#", which no browser sends. It goes into the form, out of the
// address and out of the history.

function take() {
  const secret = location.hash.slice(1);
  if (!secret) return;
  history.replaceState(null, "", location.pathname);
  const form = document.getElementById("join");
  form.elements.secret.value = secret;
  form.requestSubmit();
}

window.addEventListener("hashchange", take);
take();
